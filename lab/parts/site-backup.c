// SPDX-License-Identifier: Apache-2.0
// The sloppy helper of the scenario: setuid root, so that the web application can ask for a backup
// of its pages. It trusts the caller's PATH, which is the second hole.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  if (setgid(0) != 0 || setuid(0) != 0) {
    perror("site-backup");
    return 1;
  }
  return system("tar czf /var/backups/site.tar.gz -C /var/www html") == 0 ? 0 : 1;
}

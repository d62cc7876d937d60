-- SPDX-License-Identifier: Apache-2.0
-- question:  Is it the work of this program to read such a file: sshd its keys, sudo the passwords, a shell its history?
-- reads:     _program_name
-- parameter: program  text  path of the program
-- parameter: path     text  absolute path of the file
-- column:    value  BOOLEAN  true: told by both names
-- limits:    by name only: another program may bear it
-- source:    our own
CREATE OR REPLACE MACRO _is_own_work(program, path) AS coalesce(
  CASE WHEN regexp_matches(path, '_history$')
         THEN _program_name(program) IN ('bash', 'zsh', 'mysql', 'psql', 'python3', 'mariadb')
       WHEN path LIKE '/etc/%' THEN regexp_matches(_program_name(program),
         '^(sshd.*|login|su|sudo|doas|pkexec|run0|unix_chkpwd|passwd|chage|chpasswd|useradd|usermod|userdel|groupadd|groupmod|groupdel|gpasswd|newgrp|cron|crond|atd|vipw|pwck|getty|agetty|nginx|apache2|httpd|systemd|accounts-daemon|dovecot|vsftpd|proftpd)$')
       WHEN path LIKE '%/.ssh/%' THEN regexp_matches(_program_name(program), '^(ssh(-add|-keygen|-agent)?|sshd.*)$')
  END, FALSE);

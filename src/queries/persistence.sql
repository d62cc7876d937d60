-- SPDX-License-Identifier: Apache-2.0
-- question:  What was changed that will run, or let someone in, again later?
-- reads:     files_touched
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    means          VARCHAR  'scheduled job', 'service', 'key', 'shell start-up file', 'account', 'loader', 'module', 'start-up script'
-- column:    path           VARCHAR  the file
-- column:    object_id      BIGINT   its id; NULL: known by name only
-- column:    created        BOOLEAN  as in files_touched
-- column:    written        BOOLEAN  bytes were written
-- column:    deleted        BOOLEAN  removed again
-- column:    written_bytes  BIGINT   written
-- column:    first_wall_ns  BIGINT   first touch
-- column:    last_wall_ns   BIGINT   last touch
-- limits:    the well-known places only; a program replaced in /usr/bin is in files_written
-- source:    ATT&CK TA0003
CREATE OR REPLACE MACRO persistence(process := NULL, session := NULL) AS TABLE
WITH placed AS (
  SELECT CASE
    WHEN regexp_matches(pt.path, '^/etc/(crontab|anacrontab|cron\.[a-z]+/.+|at\.(allow|deny))$|^/var/spool/(cron|at)/') THEN 'scheduled job'
    WHEN regexp_matches(pt.path, '/systemd/(system|user)/.+|^/etc/init\.d/|^/etc/inittab$|^/etc/xinetd\.') THEN 'service'
    WHEN regexp_matches(pt.path, '/\.ssh/(authorized_keys2?|rc|environment)$|^/etc/ssh/') THEN 'key'
    WHEN regexp_matches(pt.path, '/\.(bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|kshrc|cshrc|login|config/autostart/.+)$|^/etc/(profile|bash\.bashrc|environment|profile\.d/.+|zsh/.+)$') THEN 'shell start-up file'
    WHEN regexp_matches(pt.path, '^/etc/(passwd|shadow|group|gshadow|sudoers|sudoers\.d/.+|doas\.conf|pam\.d/.+|security/.+)$') THEN 'account'
    WHEN regexp_matches(pt.path, '^/etc/(ld\.so\.preload|ld\.so\.conf|ld\.so\.conf\.d/.+)$') THEN 'loader'
    WHEN regexp_matches(pt.path, '^/etc/(modules|modules-load\.d/.+|modprobe\.d/.+)$|^(/usr)?/lib/modules/') THEN 'module'
    WHEN regexp_matches(pt.path, '^/etc/(rc\.local|rc[0-9S]\.d/.+|udev/rules\.d/.+|update-motd\.d/.+|network/if-.+|apt/apt\.conf\.d/.+)$') THEN 'start-up script'
  END AS means, pt.*
  FROM files_touched(process := process, session := session) AS pt
  WHERE pt.written OR pt.created OR pt.renamed
)
SELECT placed.means, placed.path, placed.object_id, placed.created, placed.written, placed.deleted,
       placed.written_bytes, placed.first_wall_ns, placed.last_wall_ns
FROM placed WHERE placed.means IS NOT NULL
ORDER BY placed.first_wall_ns, placed.path;

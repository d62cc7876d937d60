-- SPDX-License-Identifier: Apache-2.0
-- question:  What does a file of this path start, or whom does it let in, later?
-- parameter: path  text  absolute path
-- column:    value  VARCHAR  'scheduled job', 'service', 'key', 'shell start-up file', 'account', 'loader', 'module', 'start-up script', 'program', 'library'; NULL: nothing known
-- limits:    the well-known places only, and folders in which programs and libraries are looked for; files beside them that editors and package managers leave (.swp, ~, .dpkg-new) are none
-- source:    ATT&CK TA0003
CREATE OR REPLACE MACRO _way_back(path) AS CASE
  WHEN regexp_matches(path, '(\.sw[a-p]|~|\.dpkg-(new|old|dist|tmp)|\.lock|/4913|/\.#[^/]*|#)$|/\.placeholder$') THEN NULL
  WHEN regexp_matches(path, '^/etc/(crontab|anacrontab|cron\.[a-z]+(/.+)?|at\.(allow|deny))$|^/var/spool/(cron|at|anacron)/.|/systemd/(system|user)/.+\.timer$') THEN 'scheduled job'
  WHEN regexp_matches(path, '/systemd/(system|user|system-generators|user-generators|system-shutdown|system-sleep)/.+|^/etc/(init\.d|init|rc[0-9S]\.d)/.|^/etc/inittab$|^/etc/(x?inetd\.(conf|d/.+))$|/dbus-1/(system|session)-services/.|^/etc/supervisor/') THEN 'service'
  WHEN regexp_matches(path, '/\.ssh/(authorized_keys2?|rc|environment)$|/authorized_keys2?(/[^/]+|\.d/.+)?$|^/etc/ssh/.') THEN 'key'
  WHEN regexp_matches(path, '/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|kshrc|cshrc|tcshrc|login|logout|xprofile|xsession|xinitrc|vimrc|pam_environment|config/(autostart|fish)/.+)$|^/etc/(profile|bash\.bashrc|bashrc|environment|csh\.(cshrc|login)|profile\.d/.+|zsh/.+|zshenv|zshrc|fish/.+|xdg/autostart/.+|skel/\..+)$') THEN 'shell start-up file'
  WHEN regexp_matches(path, '^/etc/(passwd|shadow|group|gshadow|subuid|subgid|sudoers|sudoers\.d/.+|doas\.conf|pam\.conf|pam\.d/.+|security/.+|polkit-1/.+|login\.defs|nsswitch\.conf|hosts\.(allow|deny|equiv))$|/\.(rhosts|shosts)$|/pam_[^/]*\.so$|^/usr/share/polkit-1/') THEN 'account'
  WHEN regexp_matches(path, '^/etc/(ld\.so\.preload|ld\.so\.conf|ld\.so\.conf\.d/.+)$') THEN 'loader'
  WHEN regexp_matches(path, '^/etc/(modules|modules-load\.d/.+|modprobe\.d/.+|dkms/.+|initramfs-tools/.+)$|^(/usr)?/lib/modules/.') THEN 'module'
  WHEN regexp_matches(path, '^/etc/(rc\.local|udev/rules\.d/.+|update-motd\.d/.+|network/(if-[a-z-]+\.d/.+|interfaces.*)|NetworkManager/dispatcher\.d/.+|dhcp/dhclient-[a-z]+-hooks\.d/.+|ppp/ip-(up|down).*|apt/apt\.conf\.d/.+|logrotate\.d/.+|binfmt\.d/.+|sysctl\.d/.+|tmpfiles\.d/.+)$|(/usr)?/lib/(udev/rules\.d|tmpfiles\.d|binfmt\.d)/.|/\.git/hooks/[a-z-]+$|/(sitecustomize|usercustomize)\.py$|-packages/[^/]+\.pth$') THEN 'start-up script'
  WHEN regexp_matches(path, '^(/usr(/local)?)?/s?bin/[^/]+$|^/usr/(local/)?libexec/.') THEN 'program'
  WHEN regexp_matches(path, '^(/usr(/local)?)?/lib(32|64|x32)?/(.*/)?[^/]+\.so(\.[0-9.]+)?$') THEN 'library'
END;

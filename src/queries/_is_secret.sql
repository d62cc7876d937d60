-- SPDX-License-Identifier: Apache-2.0
-- question:  Does a file of this path hold passwords, keys or tokens, by its name?
-- parameter: path  text  absolute path
-- column:    value  BOOLEAN  true: a well-known place of secrets
-- limits:    by name only
-- source:    ATT&CK T1552, T1003.008
CREATE OR REPLACE MACRO _is_secret(path) AS coalesce(
  regexp_matches(path, '^/etc/(shadow|gshadow|security/opasswd|krb5\.keytab|ssh/ssh_host_[a-z0-9]+_key|ssl/private/.+|wireguard/.+|ppp/(chap|pap)-secrets|mysql/debian\.cnf|letsencrypt/.+/privkey[0-9]*\.pem|NetworkManager/system-connections/.+|openvpn/.+\.key)-?$')
  OR (regexp_matches(path, '/\.ssh/[^/]+$') AND NOT regexp_matches(path, '(\.pub|/known_hosts(\.old)?|/config|/authorized_keys2?|/environment|/rc)$'))
  OR regexp_matches(path, '/(\.aws/credentials|\.netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.docker/config\.json|\.kube/config|\.config/gcloud/.+|\.azure/.+|\.npmrc|\.pypirc|\.vault-token|\.gnupg/(private-keys-v1\.d/.+|secring\.gpg)|wp-config\.php|\.env(\.[a-z]+)?|\.htpasswd|id_(rsa|dsa|ecdsa|ed25519)|[^/]+\.(kdbx|pfx|p12|keystore|jks)|(login|key)\.keychain(-db)?|Login Data|logins\.json|key[34]\.db|\.(bash|zsh|mysql|psql|python)_history)$')
  OR regexp_matches(path, '^/proc/[0-9]+/(environ|mem)$') OR regexp_matches(path, '(^|/)[^/]*(private|priv|secret|server|host)[^/]*\.(key|pem)$')
  OR regexp_matches(path, '^(/var)?/run/secrets/.'), FALSE);

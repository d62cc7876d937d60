-- SPDX-License-Identifier: Apache-2.0
-- question:  Is this a program, a library, a device or a text that programs begin with: what anything that runs reads?
-- reads:     _is_secret
-- parameter: path  text  absolute path
-- column:    value  BOOLEAN  true: reading it says nothing by itself
-- limits:    by name only; what lies in /dev/shm and /dev/mqueue is a file like any other, and so is a secret wherever it lies
-- source:    our own
CREATE OR REPLACE MACRO _is_ordinary(path) AS coalesce(
  regexp_matches(path, '^(/usr)?/(lib(32|64|x32)?|bin|sbin)(/|$)|^/usr/(share|include|libexec|local/(lib|share|bin|sbin|include))(/|$)'
    || '|^/(proc|sys|dev)?(/|$)|\.so(\.[0-9.]+)?$|\.pyc$|/(site|dist)-packages/|/(lib|lib64)/(python|perl|ruby)[0-9.]*/|/node_modules/'
    || '|^/etc/(ld\.so\.(cache|preload)|locale\.alias|localtime|nsswitch\.conf|inputrc|bash\.bashrc|profile|terminfo/.*|resolv\.conf|host\.conf|gai\.conf)$')
  AND NOT regexp_matches(path, '^/dev/(shm|mqueue)/.') AND NOT _is_secret(path), FALSE);

-- SPDX-License-Identifier: Apache-2.0
-- The tables of a store. Ids are 63-bit integers derived from keys (base/stable_id.hpp), the same in
-- every run. *_boot_ns: boot clock of the host, ns. *_wall_ns: the host's wall clock, ns since 1970 UTC.
-- Every table is read as a view over immutable Parquet segments; where a thing is described by several
-- rows (a process that starts in one segment and ends in the next), the view puts them together.

CREATE TABLE host (
  host_id BIGINT NOT NULL,
  name VARCHAR NOT NULL              -- as the operator calls it
);

-- One run of a sensor, or one import.
CREATE TABLE recording (
  recording_id VARCHAR NOT NULL,     -- 32 hex digits
  kind VARCHAR NOT NULL,             -- 'sensor' or 'import'
  host_id BIGINT,                    -- first host (scope) of the recording
  boot_id VARCHAR,
  begin_wall_ns BIGINT NOT NULL,
  end_wall_ns BIGINT,                -- NULL: still running, or ended without a close
  closed BOOLEAN NOT NULL,           -- false: the sensor was killed, what came after is not known
  profile VARCHAR,
  description VARCHAR                -- JSON of the recording's first batch
);

CREATE TABLE process (
  process_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  boot_id VARCHAR NOT NULL,
  pid BIGINT NOT NULL,               -- initial pid namespace
  start_boot_ns BIGINT NOT NULL,
  start_wall_ns BIGINT,
  parent_process_id BIGINT,          -- creator; NULL: not seen
  end_boot_ns BIGINT,                -- NULL: not seen to end
  end_wall_ns BIGINT,
  exit_code BIGINT,                  -- as wait(2): status << 8 | signal
  baseline BOOLEAN NOT NULL,         -- was there before the recording
  name VARCHAR,                      -- last known command name
  executable VARCHAR,                -- last known program path
  command_line VARCHAR,              -- last known arguments joined, shell-quoted
  uid BIGINT,                        -- last known real user
  euid BIGINT                        -- last known effective user
);

CREATE TABLE exec (
  event_id BIGINT NOT NULL,
  process_id BIGINT NOT NULL,
  boot_ns BIGINT NOT NULL,
  wall_ns BIGINT NOT NULL,
  result BIGINT NOT NULL,            -- 0, or -errno: refused
  object_id BIGINT,                  -- the program file
  executable VARCHAR NOT NULL,       -- resolved by the kernel
  user_path VARCHAR,                 -- what was asked for when it differs: the script of #!
  interpreter VARCHAR,
  arguments VARCHAR[],
  arguments_truncated BOOLEAN NOT NULL,
  command_line VARCHAR NOT NULL,     -- arguments joined, shell-quoted
  working_directory VARCHAR,
  uid BIGINT NOT NULL, euid BIGINT NOT NULL, gid BIGINT NOT NULL, egid BIGINT NOT NULL,
  mode BIGINT                        -- i_mode of the program: 04000 is the setuid bit
);

-- A change of who a process is, with its cause. `before_*` NULL: not known.
CREATE TABLE credential_change (
  event_id BIGINT NOT NULL,
  process_id BIGINT NOT NULL,
  boot_ns BIGINT NOT NULL,
  wall_ns BIGINT NOT NULL,
  cause VARCHAR NOT NULL,            -- 'setuid_exec', 'exec', 'call', 'unexplained' (changed without a call seen)
  syscall VARCHAR,                   -- 'setuid', 'setresuid', 'capset' …
  executable VARCHAR,                -- the program of the process at that moment
  before_uid BIGINT, before_euid BIGINT,
  uid BIGINT, euid BIGINT, suid BIGINT, fsuid BIGINT,
  gid BIGINT, egid BIGINT, sgid BIGINT, fsgid BIGINT,
  before_cap_effective UBIGINT, cap_effective UBIGINT,
  user_namespace BIGINT
);

-- The spine: one row per event; repeated I/O may be merged (count > 1) under the CPR rule.
CREATE TABLE event (
  event_id BIGINT NOT NULL,          -- unique; ascending in the order of recording
  host_id BIGINT NOT NULL,
  boot_id VARCHAR NOT NULL,
  boot_ns BIGINT NOT NULL,           -- begin of the (first) call where known, else its end
  end_boot_ns BIGINT NOT NULL,       -- end of the (last) call
  wall_ns BIGINT NOT NULL,           -- of end_boot_ns
  process_id BIGINT NOT NULL,
  tid BIGINT NOT NULL,
  kind VARCHAR NOT NULL,             -- event/event.hpp
  object_id BIGINT,                  -- fork, signal: the other process's process_id
  other_object_id BIGINT,
  fd BIGINT,
  other_fd BIGINT,
  path VARCHAR,                      -- as named in this event
  other_path VARCHAR,
  size_bytes BIGINT,                 -- moved, all merged calls
  offset_bytes BIGINT,               -- of the first call
  count BIGINT NOT NULL,             -- calls merged into this row
  result BIGINT NOT NULL,            -- of the last call; -errno
  flags BIGINT,
  value BIGINT,
  uid BIGINT NOT NULL,
  euid BIGINT NOT NULL,
  baseline BOOLEAN NOT NULL,
  entry_index BIGINT                 -- entry of the evidence log that it comes from
);

CREATE TABLE object (
  object_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  type VARCHAR NOT NULL,             -- event/event.hpp ObjectType
  device BIGINT, inode BIGINT, generation BIGINT, instance BIGINT,
  first_boot_ns BIGINT NOT NULL,
  path VARCHAR                       -- last known name
);

-- Names over time: object_id was called path from from_boot_ns until until_boot_ns (NULL: still).
CREATE TABLE object_name (
  object_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  path VARCHAR NOT NULL,
  from_boot_ns BIGINT NOT NULL,
  from_wall_ns BIGINT NOT NULL,
  until_boot_ns BIGINT,
  cause VARCHAR NOT NULL             -- event kind that gave or showed the name
);

CREATE TABLE socket (
  object_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  netns BIGINT,
  family VARCHAR, type VARCHAR, protocol BIGINT,
  local_ip VARCHAR, local_port BIGINT,
  remote_ip VARCHAR, remote_port BIGINT,
  unix_path VARCHAR,
  peer_object_id BIGINT,             -- the other end where it is on the same host and known
  direction VARCHAR,                 -- 'inbound' (accepted), 'outbound' (connected), 'listening', NULL
  first_boot_ns BIGINT NOT NULL, first_wall_ns BIGINT NOT NULL
);

-- Network connections as one host saw them: sockets with both ends known, summed up.
CREATE TABLE flow (
  flow_id BIGINT NOT NULL,           -- = object_id of the socket; of its further ends a number of their own
  host_id BIGINT NOT NULL,
  process_id BIGINT NOT NULL,        -- that accepted or connected, else first used it
  begin_boot_ns BIGINT NOT NULL, begin_wall_ns BIGINT NOT NULL,
  end_wall_ns BIGINT NOT NULL,       -- last activity seen
  transport VARCHAR NOT NULL,        -- 'tcp', 'udp' …
  direction VARCHAR NOT NULL,        -- 'inbound' or 'outbound' from the host
  source_ip VARCHAR NOT NULL, source_port BIGINT NOT NULL,           -- who began it
  destination_ip VARCHAR NOT NULL, destination_port BIGINT NOT NULL,
  source_bytes BIGINT NOT NULL, destination_bytes BIGINT NOT NULL,   -- sent by each end
  community_id VARCHAR,
  state VARCHAR                      -- of TCP: 'connected'; else how the attempt ended: 'refused', 'failed', 'attempted' (not seen)
);

-- Payload: what was moved, as captured.
CREATE TABLE io (
  event_id BIGINT NOT NULL,          -- of the event row it belongs to
  host_id BIGINT NOT NULL,
  process_id BIGINT NOT NULL,
  object_id BIGINT NOT NULL,
  fd BIGINT NOT NULL,
  boot_ns BIGINT NOT NULL,
  wall_ns BIGINT NOT NULL,
  direction VARCHAR NOT NULL,        -- 'in' (read, recv) or 'out'
  offset_bytes BIGINT,
  size_bytes BIGINT NOT NULL,        -- moved
  data BLOB,                         -- captured: the first length(data) of size_bytes; NULL: shed or not asked for
  pty_master BOOLEAN NOT NULL,
  rows BIGINT, columns BIGINT, echo BOOLEAN, canonical BOOLEAN  -- terminal at that moment; NULL: none
);

-- Window size and echo changes between I/O.
CREATE TABLE terminal (
  event_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  process_id BIGINT NOT NULL,
  object_id BIGINT NOT NULL,
  boot_ns BIGINT NOT NULL,
  wall_ns BIGINT NOT NULL,
  rows BIGINT, columns BIGINT, echo BOOLEAN, canonical BOOLEAN
);

-- What was not seen.
CREATE TABLE gap (
  host_id BIGINT,
  recording_id VARCHAR NOT NULL,
  from_boot_ns BIGINT NOT NULL, until_boot_ns BIGINT NOT NULL,
  from_wall_ns BIGINT NOT NULL, until_wall_ns BIGINT NOT NULL,
  loss_class VARCHAR NOT NULL,       -- 'process', …, 'payload', 'missed_hook', 'batch', 'end' (sensor was killed),
                                     -- 'malformed' (numbers that cannot be), 'name' (names not followed)
  count BIGINT,                      -- NULL: not known
  reason VARCHAR NOT NULL
);

CREATE TABLE evidence_batch (
  entry_index BIGINT NOT NULL,
  recording_id VARCHAR NOT NULL,
  batch_index BIGINT NOT NULL,
  kind VARCHAR NOT NULL,
  boot_ns BIGINT NOT NULL,
  wall_ns BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  payload_bytes BIGINT NOT NULL,
  record_count BIGINT
);

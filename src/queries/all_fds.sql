-- SPDX-License-Identifier: Apache-2.0
-- question:  Which descriptors of this process referred to this file name, or to what a listed descriptor referred to, at that time?
-- reads:     _all_fds, host, process
-- narrows:   line
-- parameter: process  process   whose descriptors
-- parameter: path     text      file name, a * stands for any text; none: any  [default]
-- parameter: fds      integers  descriptors whose aliases are wanted; none: any  [default]
-- parameter: time     time      the moment; none: at any time  [default]
-- column:    process_id     BIGINT   the process
-- column:    fd             BIGINT   the descriptor
-- column:    object_id      BIGINT   what it referred to
-- column:    path           VARCHAR  name it was opened by, else the last known one
-- column:    how            VARCHAR  'open', 'dup', 'pipe', 'socket', 'accept' …; 'seen': first known from its use
-- column:    inherited      BOOLEAN  true: an ancestor had it and it came over fork
-- column:    from_wall_ns   BIGINT   from when
-- column:    until_wall_ns  BIGINT   until when; NULL: not seen to end
-- column:    from_boot_ns   BIGINT   as from_wall_ns, boot clock
-- column:    until_boot_ns  BIGINT   as until_wall_ns, boot clock
-- column:    event_id       BIGINT   the event that made it so
-- column:    host           VARCHAR  name of the host
-- limits:    a file counts when it bore the name at any time, so that a later rename does not hide it;
--            descriptors set close-on-exec later by fcntl stay in the list until used otherwise;
--            descriptors passed over a unix socket, or shared by CLONE_FILES, are known from first use
-- source:    Forensix All_FDs (FX-31)
CREATE OR REPLACE MACRO all_fds(process, path := NULL, fds := NULL, "time" := NULL) AS TABLE
SELECT af_one.*, af_h.name AS host
FROM _all_fds([process], path := path, fds := fds, "time" := "time") AS af_one
LEFT JOIN process AS af_p ON af_p.process_id = af_one.process_id
LEFT JOIN host AS af_h ON af_h.host_id = af_p.host_id
ORDER BY af_one.from_boot_ns, af_one.fd;

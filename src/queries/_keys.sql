-- SPDX-License-Identifier: Apache-2.0
-- question:  How do these bytes read as keys, with control characters by name?
-- reads:     _visible
-- parameter: data  text  bytes
-- column:    value  VARCHAR  [DEL], [BS], [TAB], [UP], [ESC], ^C …; others as in _visible; a line feed or carriage return at the end is left out
-- limits:    none
-- source:    SBK-8
CREATE OR REPLACE MACRO _keys(data) AS
  regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
  regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(_visible(data), '(\\x0D|\\x0A)+$', ''),
    '\\x7F', '[DEL]', 'g'), '\\x08', '[BS]', 'g'), '\\x09', '[TAB]', 'g'),
    '\\x1B(\[|O)A', '[UP]', 'g'), '\\x1B(\[|O)B', '[DOWN]', 'g'), '\\x1B(\[|O)C', '[RIGHT]', 'g'), '\\x1B(\[|O)D', '[LEFT]', 'g'),
    '\\x1B', '[ESC]', 'g'), '\\x03', '^C', 'g'), '\\x04', '^D', 'g'), '\\x12', '^R', 'g'), '\\x15', '^U', 'g'), '\\x17', '^W', 'g'), '\\x1A', '^Z', 'g');

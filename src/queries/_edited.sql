-- SPDX-License-Identifier: Apache-2.0
-- question:  Which line is left of these keys after deletions?
-- reads:     _visible
-- parameter: data  text  the bytes typed, up to the end of the line
-- column:    value  VARCHAR  the line; NULL: the keys alone do not tell (completion, history, the cursor was moved)
-- limits:    backspace, delete, ^U and ^W are carried out as a terminal and a shell do
-- source:    SBK-10
CREATE OR REPLACE MACRO _edited(data) AS
  CASE WHEN len(list_filter(regexp_extract_all(hex(data), '..'),
                            b -> b < '20' AND b NOT IN ('08', '0A', '0D', '15', '17', '03'))) > 0 THEN NULL
  ELSE _visible(unhex(regexp_replace(
    list_reduce(list_prepend('', regexp_extract_all(hex(data), '..')), (done, b) ->
      CASE WHEN b IN ('7F', '08') THEN regexp_replace(done, '([0-7][0-9A-F]|[C-F][0-9A-F]([89AB][0-9A-F])*|[89AB][0-9A-F])$', '')
           WHEN b IN ('15', '03') THEN ''
           WHEN b = '17' THEN regexp_replace(done, '((2[1-9A-F]|[013-9A-F][0-9A-F])*)((20)*)$', '')
           ELSE done || b END), '(0D|0A)+$', ''))) END;

-- What a file of format 2 holds besides.
insert into events (seq, key, connector, trigger, id, subject, payload, received, done, detail)
values (1, 'instagram/mentioned/9', 'instagram', 'mentioned', '9', '17841405726653026', cast('{}' as blob), 1795348800000, 0,
	'{"received_at":"2026-11-22T12:00:00Z"}');

-- What a file of format 1 holds.
insert into definitions (seq, name, version, document, detail)
values (1, 'every-story', 'v1', cast('{"name": "every-story"}' as blob), '{"file":"every-story.yaml","enabled":true,"added_at":"2026-11-22T12:00:00Z"}');
insert into current_definitions (name, version) values ('every-story', 'v1');
insert into bodies (id, hash, body) values (1, x'00', cast('{"large":17841405726653027}' as blob));
insert into runs (seq, id, workflow, state, trigger, output_body, created, ended, detail)
values (1, 'r1', 'every-story', 'succeeded', cast('{ "id": 17841405726653027 }' as blob), 1, 1795348800000000, 1795348800000,
	'{"version":"v1","created_at":"2026-11-22T12:00:00Z","ended_at":"2026-11-22T12:00:00Z"}');
insert into entries (seq, run, path, state, loop, iteration, output, detail)
values (4294967297, 1, 'loop-1[4]/instagram-2', 'done', 'loop-1', 4, cast('{"a":1}' as blob),
	'{"step":"instagram-2","attempts":[{"id":"7f3c2a","requests":2}],"waited_ns":1000}');

-- What a file of format 4 holds.
insert into entries (seq, run, path, state, loop, iteration, detail) values (4294967298, 1, 'loop-2[6]/instagram-2', 'done', 'loop-2', 6, '{}');
insert into loops (run, path, iterations) values (1, 'loop-2', 7);

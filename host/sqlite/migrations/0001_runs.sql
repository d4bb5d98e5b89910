-- Workflows, their runs, and what each step of a run has done.

-- JSON that has a length of its own is kept as a blob, byte for byte. What is
-- larger than a page of the file is a body, kept once however often it is used:
-- the column is null then, and the one beside it leads to the body.
create table bodies (
	id   integer primary key,
	hash blob not null unique, -- SHA-256 of body.
	body blob not null
) strict;

create table definitions (
	seq      integer primary key,
	name     text not null,
	version  text not null,
	document blob not null,
	detail   text not null, -- JSON, as all columns of this name: detail.go knows the members.
	unique (name, version)
) strict;

create table current_definitions (
	name    text primary key,
	version text not null
) strict, without rowid;

create table runs (
	seq          integer primary key,
	id           text not null unique,
	workflow     text not null,
	state        text not null,
	created      integer not null, -- Unix microseconds.
	ended        integer, -- Unix milliseconds; null until it has.
	trigger      blob,
	trigger_body integer,
	output       blob,
	output_body  integer,
	detail       text not null
) strict;

-- Lists are ordered by created and then seq, in which each of these ends: a page of
-- one is a look-up.
create index runs_by_time on runs (created);
create index runs_by_workflow on runs (workflow, created);
create index runs_by_state on runs (state, created);
create index runs_by_workflow_and_state on runs (workflow, state, created);
create index runs_by_end on runs (ended) where ended is not null;
create index runs_by_trigger_body on runs (trigger_body) where trigger_body is not null;
create index runs_by_output_body on runs (output_body) where output_body is not null;

-- An entry's seq is its run's times 2^32, plus its place in the order in which the
-- run's entries were first put: they lie together, and need no index for that.
create table entries (
	seq         integer primary key,
	run         integer not null, -- runs.seq
	path        text not null,
	state       text not null,
	loop        text not null,
	iteration   integer not null,
	input       blob,
	input_body  integer,
	output      blob,
	output_body integer,
	detail      text not null
) strict;

create unique index entries_by_path on entries (run, path);
create index entries_by_input_body on entries (input_body) where input_body is not null;
create index entries_by_output_body on entries (output_body) where output_body is not null;

-- How far each loop has come. An index of entries would say so too, but each write
-- of an entry would write a page of it; these rows of all runs share a few pages.
create table loops (
	run        integer not null, -- runs.seq
	path       text not null,
	iterations integer not null, -- One more than the highest iteration that has left an entry.
	primary key (run, path)
) strict, without rowid;

create trigger entries_in_loops after insert on entries when new.loop <> '' begin
	insert into loops (run, path, iterations) values (new.run, new.loop, new.iteration + 1)
	on conflict (run, path) do update set iterations = excluded.iterations where excluded.iterations > iterations;
end;

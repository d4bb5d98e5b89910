-- Named values: quotas, schedules, what workflows store.

create table named_values (
	scope text not null,
	key   text not null,
	value blob not null,
	primary key (scope, key)
) strict, without rowid;

-- Steps that have changed a value, with what they got: none does so twice.
create table value_changes (
	run    text not null,
	path   text not null,
	answer blob,
	primary key (run, path)
) strict, without rowid;

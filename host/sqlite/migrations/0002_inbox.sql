-- What has happened at remote services.

create table events (
	seq          integer primary key, -- In order of arrival.
	key          text not null unique,
	connector    text not null,
	trigger      text not null,
	id           text not null,
	subject      text not null,
	payload      blob,
	payload_body integer,
	received     integer not null, -- Unix milliseconds.
	done         integer not null default 0,
	detail       text not null
) strict;

create index events_pending on events (done) where done = 0;
create index events_by_arrival on events (received) where done = 1;
create index events_by_payload_body on events (payload_body) where payload_body is not null;

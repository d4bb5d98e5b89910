-- One row: which redo file belongs to this store, and the number of the last write
-- that is here.
create table redo (salt integer not null, number integer not null) strict;
insert into redo values (0, 0);

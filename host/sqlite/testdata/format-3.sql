-- What a file of format 3 holds besides.
insert into named_values (scope, key, value) values ('quota', 'instagram', cast('{"used":96}' as blob));

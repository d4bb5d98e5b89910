-- What a file of format 5 holds: a process has left records behind the third.
update redo set salt = 7, number = 3;

-- What entries a transaction puts, and how far they bring each loop, the program
-- knows by itself: it writes a loop once a transaction, not once an entry.

drop trigger entries_in_loops;

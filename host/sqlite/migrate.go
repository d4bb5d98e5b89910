package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// The n-th file, by name, takes a store from format n-1 to n. A file that was
// released never changes; the next change is the next file.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a file as ours: "stlp".
const applicationID = 0x73746c70

// latest returns the format that this program writes.
func latest() int { return len(migrationFiles()) }

func migrationFiles() []string {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return names
}

// migrate brings a file to the latest format, each step in a transaction of its
// own. There is no way back: a newer file is refused.
func migrate(ctx context.Context, conn *sql.Conn, file string) error {
	version, err := formatOf(ctx, conn, file)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, file, version, latest())
}

// formatOf returns a file's format; zero if it is empty.
func formatOf(ctx context.Context, conn *sql.Conn, file string) (int, error) {
	var id, version, tables int
	for query, to := range map[string]*int{
		"pragma application_id": &id, "pragma user_version": &version, "select count(*) from sqlite_schema": &tables,
	} {
		if err := conn.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, explain(file, fmt.Errorf("reading the format: %w", err))
		}
	}
	switch {
	case id != applicationID && (id != 0 || version != 0 || tables != 0):
		return 0, &FileError{Path: file, Problem: Foreign}
	case version > latest():
		return 0, &FileError{Path: file, Problem: TooNew, Version: version}
	}
	return version, nil
}

func migrateTo(ctx context.Context, conn *sql.Conn, file string, from, to int) error {
	for i, name := range migrationFiles()[:to] {
		if i < from {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		script := fmt.Sprintf("begin immediate;\n%s\npragma application_id = %d; pragma user_version = %d; commit", text, applicationID, i+1)
		if _, err := conn.ExecContext(ctx, script); err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "rollback") // if it had begun
			return explain(file, fmt.Errorf("bringing the store to format %d (%s): %w", i+1, path.Base(name), err))
		}
	}
	return nil
}

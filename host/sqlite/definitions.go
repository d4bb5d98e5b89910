package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/storyloop/storyloop/host"
)

// PutDefinition makes a definition the current one of its name, synced.
func (s *Store) PutDefinition(ctx context.Context, d host.Definition) error {
	detail, err := encode(definitionDetail{File: d.File, Enabled: d.Enabled, Subject: d.Subject, AddedAt: d.AddedAt.UTC()})
	if err == nil {
		err = s.do(ctx, host.Synced, func(t *transaction) error {
			_, err := t.exec(`insert into definitions (name, version, document, detail) values (?, ?, ?, ?)
				on conflict (name, version) do update set document = excluded.document, detail = excluded.detail`,
				d.Name, d.Version, []byte(d.Document), detail)
			if err != nil {
				return err
			}
			_, err = t.exec(`insert into current_definitions (name, version) values (?, ?)
				on conflict (name) do update set version = excluded.version`, d.Name, d.Version)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("storing workflow %s: %w", d.Name, err)
	}
	return nil
}

const selectDefinition = "select d.name, d.version, d.document, d.detail from definitions d"

// Definition returns one version, or the current one if version is empty.
func (s *Store) Definition(ctx context.Context, name, version string) (host.Definition, error) {
	query, args := selectDefinition+" where d.name = ? and d.version = ?", []any{name, version}
	if version == "" {
		query, args = selectDefinition+" join current_definitions c on c.name = d.name and c.version = d.version where c.name = ?", args[:1]
	}
	var d host.Definition
	found, err := s.one(ctx, query, args, func(sc scan) (err error) {
		d, err = scanDefinition(sc)
		return err
	})
	switch {
	case err != nil:
		return host.Definition{}, fmt.Errorf("reading workflow %s: %w", name, err)
	case !found && version != "":
		return host.Definition{}, &host.NotFoundError{Kind: "workflow", Name: name + "@" + version}
	case !found:
		return host.Definition{}, &host.NotFoundError{Kind: "workflow", Name: name}
	}
	return d, nil
}

// Definitions returns the current version of each, by name.
func (s *Store) Definitions(ctx context.Context) ([]host.Definition, error) {
	var all []host.Definition
	query := selectDefinition + " join current_definitions c on c.name = d.name and c.version = d.version order by d.name"
	err := s.each(ctx, query, nil, func(sc scan) error {
		d, err := scanDefinition(sc)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the workflows: %w", err)
	}
	return all, nil
}

// Versions returns all versions of a definition, by Definition.AddedAt, the latest
// first.
func (s *Store) Versions(ctx context.Context, name string) ([]host.Definition, error) {
	var all []host.Definition
	err := s.each(ctx, selectDefinition+" where d.name = ? order by d.seq desc", []any{name}, func(sc scan) error {
		d, err := scanDefinition(sc)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the versions of workflow %s: %w", name, err)
	}
	if len(all) == 0 {
		return nil, &host.NotFoundError{Kind: "workflow", Name: name}
	}
	slices.SortStableFunc(all, func(a, b host.Definition) int { return b.AddedAt.Compare(a.AddedAt) })
	return all, nil
}

func scanDefinition(sc scan) (host.Definition, error) {
	var d host.Definition
	var text []byte
	var detail definitionDetail
	if err := sc(&d.Name, &d.Version, (*[]byte)(&d.Document), &text); err != nil {
		return d, err
	}
	err := decode(text, &detail)
	d.File, d.Enabled, d.Subject, d.AddedAt = detail.File, detail.Enabled, detail.Subject, detail.AddedAt
	return d, err
}

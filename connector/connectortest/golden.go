package connectortest

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// It is a flag of the test binary, so it has to be there before a test begins.
var update = flag.Bool("update", false, "rewrite golden files")

// Golden compares a catalog with a golden file, such as
// "testdata/catalog.golden.json", and fails if they differ: a change of a catalog
// is to be seen and reviewed. With -update it rewrites the file, unless the change
// would break workflows within the major version: see [Compatible].
func Golden(t testing.TB, path string, catalog *connectorv1.Catalog) {
	t.Helper()
	text, err := encodeCatalog(catalog)
	if err != nil {
		t.Fatalf("encoding the catalog: %v", err)
	}
	golden, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !*update:
		t.Fatalf("there is no golden file %s yet: run the test with -update, and commit the file", path)
	case errors.Is(err, fs.ErrNotExist):
		write(t, path, text)
		return
	case err != nil:
		t.Fatalf("reading the golden file: %v", err)
	}
	old, err := decodeCatalog(golden)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if broken := Compatible(old, catalog); len(broken) > 0 {
		for _, b := range broken {
			t.Errorf("incompatible within version %s: %s", major(old), b)
		}
		t.Fatalf("undo these changes, or give the operation a new name, or the connector a new major version")
	}
	if string(golden) == text {
		return
	}
	if *update {
		write(t, path, text)
		return
	}
	t.Errorf("the catalog has changed, compatibly, and %s has not: %s; run the test with -update, and review the file", path, firstDifference(string(golden), text))
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("writing the golden file: %v", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatalf("writing the golden file: %v", err)
	}
}

func firstDifference(old, new string) string {
	before, after := strings.Split(old, "\n"), strings.Split(new, "\n")
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			return fmt.Sprintf("line %d is %q, and was %q", i+1, strings.TrimSpace(after[i]), strings.TrimSpace(before[i]))
		}
	}
	return fmt.Sprintf("it has %d lines, and had %d", len(after), len(before))
}

// schemaFields hold JSON in bytes. In a golden file they are values, for people
// to review.
var schemaFields = []string{"settings_schema", "app_schema", "form_schema", "input_schema", "output_schema"}

func encodeCatalog(c *connectorv1.Catalog) (string, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(c)
	if err != nil {
		return "", err
	}
	value, err := schemadoc.Decode(raw)
	if err != nil {
		return "", err
	}
	value, err = eachSchema(value, func(v any) (any, error) {
		text, _ := v.(string)
		schema, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		return schemadoc.Decode(schema)
	})
	if err != nil {
		return "", err
	}
	// protojson's own spaces change from build to build, on purpose.
	return schemadoc.Indent(value) + "\n", nil
}

func decodeCatalog(text []byte) (*connectorv1.Catalog, error) {
	value, err := schemadoc.Decode(text)
	if err != nil {
		return nil, err
	}
	value, err = eachSchema(value, func(v any) (any, error) {
		return base64.StdEncoding.EncodeToString([]byte(schemadoc.Encode(v))), nil
	})
	if err != nil {
		return nil, err
	}
	c := &connectorv1.Catalog{}
	if err := protojson.Unmarshal([]byte(schemadoc.Encode(value)), c); err != nil {
		return nil, fmt.Errorf("reading a catalog: %w", err)
	}
	return c, nil
}

// eachSchema replaces every schema in a catalog, and does not look into them.
func eachSchema(value any, replace func(any) (any, error)) (any, error) {
	switch v := value.(type) {
	case *schemadoc.Object:
		for _, name := range v.Names() {
			member, _ := v.Get(name)
			change := func(m any) (any, error) { return eachSchema(m, replace) }
			if slices.Contains(schemaFields, name) {
				change = replace
			}
			changed, err := change(member)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			v.Set(name, changed)
		}
	case []any:
		for i := range v {
			changed, err := eachSchema(v[i], replace)
			if err != nil {
				return nil, err
			}
			v[i] = changed
		}
	}
	return value, nil
}

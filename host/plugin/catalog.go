package plugin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

var (
	wellFormed = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	semver     = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// CatalogError says why a catalog cannot be used.
type CatalogError struct {
	Connector string // By its own name.
	Problems  []error
}

// Error lists the first problems.
func (e *CatalogError) Error() string {
	const shown = 5
	var b strings.Builder
	fmt.Fprintf(&b, "the catalog of connector %.64q cannot be used: ", e.Connector)
	for i, p := range e.Problems {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Error())
	}
	b.WriteString("; install a release of the connector that is sound")
	return b.String()
}

// Unwrap returns the problems.
func (e *CatalogError) Unwrap() []error { return e.Problems }

// ChangedError says that a connector came back as another one.
type ChangedError struct{ Was, Is string } // Name and version.

// Error says what to do.
func (e *ChangedError) Error() string {
	if e.Was == e.Is {
		return fmt.Sprintf("the connector was restarted and shows another catalog, though it is %s as before; restart the host to load it anew", e.Is)
	}
	return fmt.Sprintf("the connector was restarted and is %s now, after %s; restart the host to load it anew", e.Is, e.Was)
}

// maxEntries bounds a catalog. Each entry's schemas are compiled at every start.
const maxEntries = 5000

// CheckCatalog returns a *CatalogError if a host cannot rely on a catalog: names
// that cannot be written in a workflow, two of a kind, schemas that do not
// compile or that refer to something outside.
func CheckCatalog(c *connectorv1.Catalog) error {
	if c == nil {
		return &CatalogError{Problems: []error{errors.New("it is missing")}}
	}
	if n := len(c.GetOperations()) + len(c.GetTriggers()); n > maxEntries {
		return &CatalogError{c.GetName(), []error{fmt.Errorf("it has %d operations and triggers; at most %d can be offered", n, maxEntries)}}
	}
	k := checker{}
	if !wellFormed.MatchString(c.GetName()) {
		k.addf("its name is not in snake_case")
	}
	if !semver.MatchString(c.GetVersion()) {
		k.addf("its version %.20q is not a semantic version, such as 1.0.0", c.GetVersion())
	}
	k.schema("settings", "schema", c.GetSettingsSchema(), false)
	methods, ops, triggers, quotas := names{}, names{}, names{}, names{}
	for _, m := range c.GetAuthMethods() {
		at := k.name("auth method", m.GetName(), methods)
		k.schema(at, "app schema", m.GetAppSchema(), false)
		k.schema(at, "form schema", m.GetFormSchema(), false)
	}
	for _, o := range c.GetOperations() {
		at := k.name("operation", o.GetName(), ops)
		k.schema(at, "input schema", o.GetInputSchema(), true)
		k.schema(at, "output schema", o.GetOutputSchema(), true)
		if p := o.GetItemsPointer(); p != "" && !strings.HasPrefix(p, "/") {
			k.addf("%s: items pointer %.40q is no JSON Pointer", at, p)
		}
		k.methods(at, o.GetAuthMethods(), methods)
	}
	for _, t := range c.GetTriggers() {
		at := k.name("trigger", t.GetName(), triggers)
		k.methods(at, t.GetAuthMethods(), methods)
		k.schema(at, "input schema", t.GetInputSchema(), true)
		k.schema(at, "output schema", t.GetOutputSchema(), true)
	}
	for _, q := range c.GetQuotas() {
		k.once("quota", q.GetName(), quotas)
	}
	if len(k.problems) > 0 {
		return &CatalogError{c.GetName(), k.problems}
	}
	return nil
}

type names map[string]bool

type checker struct{ problems []error }

func (k *checker) addf(format string, args ...any) {
	k.problems = append(k.problems, fmt.Errorf(format, args...))
}

// name checks a name and returns how to speak of its bearer.
func (k *checker) name(kind, name string, seen names) string {
	if !wellFormed.MatchString(name) {
		k.addf("%s %.40q: its name is not in snake_case", kind, name)
	}
	k.once(kind, name, seen)
	return fmt.Sprintf("%s %.64q", kind, name)
}

func (k *checker) once(kind, name string, seen names) {
	if seen[name] {
		k.addf("%s %.64q is there twice", kind, name)
	}
	seen[name] = true
}

func (k *checker) methods(at string, wanted []string, known names) {
	for _, m := range wanted {
		if !known[m] {
			k.addf("%s: auth method %.40q is not in the catalog", at, m)
		}
	}
}

func (k *checker) schema(at, what string, raw []byte, required bool) {
	if len(raw) == 0 {
		if required {
			k.addf("%s: its %s is missing", at, what)
		}
		return
	}
	if _, err := validate.Compile(raw); err != nil {
		k.problems = append(k.problems, fmt.Errorf("%s: its %s does not compile: %w", at, what, err))
	}
}

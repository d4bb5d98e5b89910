// Package vault reads credentials and app registrations from a file that its
// owner writes, also while a host runs. What it holds is in that file and in memory, nowhere else.
package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Entry is one credential as a person writes it down: an auth method and its
// filled form.
type Entry struct {
	Connector string `yaml:"connector"`
	Method    string `yaml:"method"`
	App       string `yaml:"app"` // Registration to use; empty means "default".
	Form      Object `yaml:"form"`
}

// SMTP is the server that mail goes through.
type SMTP struct {
	Host     string `yaml:"host"`
	Port     int    `yaml:"port"`
	Security string `yaml:"security"` // starttls, tls or none.
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	From     string `yaml:"from"`
}

// Format writes the server without the password.
func (s SMTP) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "%s:%d", s.Host, s.Port) }

// Object is a flat JSON object. Numbers become strings: an id that somebody wrote
// without quotes keeps its digits.
type Object map[string]any

// Format writes a mask: what people fill in is secret.
func (Object) Format(w fmt.State, _ rune) { fmt.Fprint(w, "[secret]") }

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *Object) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: not a mapping", node.Line)}}
	}
	*o = Object{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		value := node.Content[i+1]
		switch {
		case value.Kind == yaml.ScalarNode && value.Tag == "!!bool":
			(*o)[node.Content[i].Value] = value.Value == "true"
		case value.Kind == yaml.ScalarNode:
			(*o)[node.Content[i].Value] = value.Value
		case value.Kind == yaml.SequenceNode:
			list := []string{}
			if err := value.Decode(&list); err != nil {
				return err
			}
			(*o)[node.Content[i].Value] = list
		default:
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: neither a text nor a list of texts", value.Line)}}
		}
	}
	return nil
}

// Contents is what a vault holds.
type Contents struct {
	Credentials map[string]Entry             `yaml:"credentials"`
	Apps        map[string]map[string]Object `yaml:"apps"` // connector, registration, config
	SMTP        *SMTP                        `yaml:"smtp"` // For send-email; nil if there is none.
}

// Of returns the credentials of one connector.
func (c Contents) Of(connector string) map[string]Entry {
	found := map[string]Entry{}
	for name, e := range c.Credentials {
		if e.Connector == connector {
			found[name] = e
		}
	}
	return found
}

// Vault implements host.Vault. Its connectors turn a filled form into a
// credential when it is first asked for, so that a start needs no network.
type Vault struct {
	connectors host.Connectors
	source     *source // Nil if the contents never change.

	mu sync.Mutex
	// Guarded by mu.
	contents  Contents
	completed map[string]*completion
}

type completion struct {
	asking     chan struct{}           // Holds an item while the connector is asked.
	credential *connectorv1.Credential // Of who has put it there.
}

// New returns a vault with these contents.
func New(contents Contents, connectors host.Connectors) *Vault {
	return &Vault{contents: contents, connectors: connectors, completed: map[string]*completion{}}
}

// Read reads a vault's file. It refuses one that others than its owner can read.
// A file that does not exist is an empty vault, unless it must be there.
func Read(path string, must bool) (Contents, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return Contents{}, nil
	}
	if err != nil {
		return Contents{}, fmt.Errorf("opening the credentials file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Contents{}, fmt.Errorf("looking at the credentials file: %w", err)
	}
	if others := info.Mode().Perm() & 0o077; others != 0 && info.Mode().IsRegular() {
		return Contents{}, fmt.Errorf("%s can be read by others than you (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	c, err := Decode(f)
	if err != nil {
		return Contents{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Decode reads contents as YAML or JSON. Its errors do not quote the text.
func Decode(r io.Reader) (Contents, error) {
	var c Contents
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	switch err := d.Decode(&c); {
	case errors.Is(err, io.EOF):
		return Contents{}, nil
	case err != nil:
		return Contents{}, fmt.Errorf("%s", unquoted(err))
	}
	for name, e := range c.Credentials {
		if e.Connector == "" || e.Method == "" {
			return Contents{}, fmt.Errorf("credential %s needs a connector and a method", name)
		}
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`line \d+`)

// unquoted keeps of a YAML error the places, since its texts may quote a secret.
func unquoted(err error) string {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		at := yamlLine.FindString(err.Error())
		if at != "" {
			at = " at " + at
		}
		return "it is not YAML" + at + ", of the form {credentials: {name: {connector, method, form}}, apps: {connector: {default: {...}}}}; indent with spaces, and put quotes around texts with special characters"
	}
	var lines []string
	for _, e := range typed.Errors {
		line, _, _ := bytes.Cut([]byte(e), []byte(":"))
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return fmt.Sprintf("unknown or mistyped entries at %v; known are credentials.<name>.{connector, method, app, form}, apps.<connector>.<registration> and smtp.{host, port, security, username, password, from}", slices.Compact(lines))
}

// Connectors returns the connector that each credential is for, by the credential's
// name.
func (v *Vault) Connectors() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.follow()
	connectors := map[string]string{}
	for name, e := range v.contents.Credentials {
		connectors[name] = e.Connector
	}
	return connectors
}

// Credential implements host.Vault.
func (v *Vault) Credential(ctx context.Context, name string) (*connectorv1.Credential, error) {
	entry, c, ok := v.entry(name)
	if !ok {
		return nil, &host.NotFoundError{Kind: "credential", Name: name}
	}
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done(): // The one that asks may have long to wait.
		return nil, &host.FailureError{Failure: &connectorv1.Failure{
			Kind:    connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE,
			Message: fmt.Sprintf("Another call has the credential %q looked at, and has no answer yet.", name),
		}}
	}
	if c.credential != nil {
		return c.credential, nil
	}
	credential, err := v.complete(ctx, name, entry)
	if err != nil {
		return nil, err
	}
	c.credential = credential
	return credential, nil
}

// entry returns a credential as it is written down now, and what it was made into.
func (v *Vault) entry(name string) (Entry, *completion, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.follow()
	entry, ok := v.contents.Credentials[name]
	if !ok {
		return Entry{}, nil, false
	}
	c := v.completed[name]
	if c == nil {
		c = &completion{asking: make(chan struct{}, 1)}
		v.completed[name] = c
	}
	return entry, c, true
}

func (v *Vault) complete(ctx context.Context, name string, e Entry) (*connectorv1.Credential, error) {
	connector, ok := v.connectors.Connector(e.Connector)
	if !ok {
		return nil, fmt.Errorf("credential %s: %w", name, &host.NotFoundError{Kind: "connector", Name: e.Connector})
	}
	registration := e.App
	if registration == "" {
		registration = "default"
	}
	app, err := v.App(ctx, e.Connector, registration)
	var none *host.NotFoundError
	if err != nil && (e.App != "" || !errors.As(err, &none)) {
		return nil, fmt.Errorf("credential %s: %w", name, err)
	}
	form, err := json.Marshal(e.Form)
	if err != nil {
		return nil, fmt.Errorf("credential %s: its form cannot be written as JSON", name)
	}
	resp := connector.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{Method: e.Method, App: app, Reply: form})
	if f := resp.GetFailure(); f != nil {
		return nil, &host.FailureError{Failure: f}
	}
	return resp.GetCredential(), nil
}

// App implements host.Vault.
func (v *Vault) App(_ context.Context, connector, name string) (*connectorv1.App, error) {
	v.mu.Lock()
	v.follow()
	config, ok := v.contents.Apps[connector][name]
	v.mu.Unlock()
	if !ok {
		return nil, &host.NotFoundError{Kind: "app registration", Name: connector + "/" + name}
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("app registration %s/%s cannot be written as JSON", connector, name)
	}
	return &connectorv1.App{Config: raw}, nil
}

package connector

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/storyloop/storyloop/connector/conformance"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// checkMarker stands for a secret that must be seen nowhere.
const checkMarker = "conformance-marker-7f2c91d4"

// conformanceReport is what the subcommand prints for programs.
type conformanceReport struct {
	Connector string               `json:"connector"`
	Version   string               `json:"version"`
	Conforms  bool                 `json:"conforms"`
	Results   []conformance.Result `json:"results"`
}

// checkConformance runs the conformance checks against the connector's own binary:
// all of them with Spec.Conformance, else those that need neither a fake of the
// remote service nor an author's cases.
func checkConformance(spec Spec, name string, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(name+" conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print the results as JSON")
	settings := flags.String("settings", "", "settings of the process, as `JSON`; then only what needs no fake of the remote service is checked")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "%s conformance: unexpected argument %q\n", name, flags.Arg(0))
		return exitUsage
	}
	if *settings != "" && !json.Valid([]byte(*settings)) {
		fmt.Fprintf(stderr, "%s conformance: the settings are not JSON\n", name)
		return exitUsage
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintf(stderr, "%s: finding the binary: %v\n", name, err)
		return exitError
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	sheet := conformance.NewSheet(ctx)
	if err := runChecks(sheet, spec, self, *settings); err != nil {
		fmt.Fprintf(stderr, "%s conformance: %v\n", name, err)
		return exitError
	}
	report := conformanceReport{Connector: spec.Name, Version: spec.Version, Conforms: !sheet.Failed(), Results: sheet.Results()}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		err = out.Encode(report)
	} else {
		err = report.table(stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "%s: writing the results: %v\n", name, err)
		return exitError
	case !report.Conforms:
		return exitError
	}
	return exitOK
}

// runChecks runs what can be checked with what the author gives.
func runChecks(sheet *conformance.Sheet, spec Spec, self, settings string) (err error) {
	if spec.Conformance == nil || settings != "" {
		conformance.Run(sheet, selfCheck(spec, self, settings))
		return nil
	}
	c, end, err := spec.Conformance()
	if err != nil {
		return fmt.Errorf("starting the fake of the remote service: %w", err)
	}
	defer func() { err = errors.Join(err, end()) }()
	c.Path, c.Env = self, os.Environ()
	conformance.Run(sheet, c)
	return nil
}

// selfCheck is what can be said without an author's test.
func selfCheck(spec Spec, self, settings string) conformance.Config {
	const why = "it needs a fake of the remote service and cases: see package connectortest"
	credential := &connectorv1.Credential{Secret: fmt.Appendf(nil, `{"token":%q}`, checkMarker)}
	if len(spec.AuthMethods) > 0 {
		credential.Method = spec.AuthMethods[0].Name
	}
	c := conformance.Config{
		Path: self, Env: os.Environ(), Credential: credential, Secrets: []string{checkMarker},
		NotApplicable: map[conformance.Hook]string{},
	}
	for _, h := range []conformance.Hook{
		conformance.HookRemote, conformance.HookOperations, conformance.HookTriggers, conformance.HookDeadToken, conformance.HookQuota,
		conformance.HookAccount, conformance.HookNumber, conformance.HookPanic, conformance.HookHandshake,
	} {
		c.NotApplicable[h] = why
	}
	if settings != "" {
		c.Settings = func(string) json.RawMessage { return json.RawMessage(settings) }
	}
	return c
}

// table prints a line for each check, and what was found where it does not hold.
func (r conformanceReport) table(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	count := map[conformance.Status]int{}
	said := "" // A reason is said once, not for each check that it is the reason of.
	for _, result := range r.Results {
		sentence, below, nested := strings.Cut(result.Check, "/")
		if nested && result.Status != conformance.Failed {
			continue
		}
		if nested {
			sentence = "  " + below
		} else {
			count[result.Status]++
		}
		fmt.Fprintf(tab, "%s\t%s\n", result.Status, sentence)
		if result.Status == conformance.Held || strings.Join(result.Findings, "\n") == said {
			continue
		}
		said = strings.Join(result.Findings, "\n")
		for _, f := range result.Findings {
			for line := range strings.Lines(f) {
				fmt.Fprintf(tab, "\t    %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	fmt.Fprintf(tab, "\n%s %s: %d checks hold, %d fail, %d do not apply here\n", r.Connector, r.Version,
		count[conformance.Held], count[conformance.Failed], count[conformance.NotApplicable])
	return tab.Flush()
}

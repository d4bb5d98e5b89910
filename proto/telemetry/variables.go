package telemetry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// variable is one that the exporter or the SDK reads.
type variable struct {
	name  string
	check func(raw string) error // Of a value that is not blank.
}

// prefixes are those of the exporter's variables.
var prefixes = []string{"OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"}

func variables() []variable {
	vs := []variable{
		{"OTEL_SDK_DISABLED", boolean},
		{"OTEL_TRACES_SAMPLER", oneOf("always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")},
		{"OTEL_TRACES_SAMPLER_ARG", ratio},
		{"OTEL_PROPAGATORS", propagators},
		{"OTEL_RESOURCE_ATTRIBUTES", pairs},
	}
	for _, prefix := range prefixes {
		vs = append(vs,
			variable{prefix + "ENDPOINT", endpoint},
			variable{prefix + "PROTOCOL", oneOf("http/protobuf", "http/json", "grpc")},
			variable{prefix + "COMPRESSION", oneOf("gzip", "none")},
			variable{prefix + "INSECURE", boolean},
			variable{prefix + "HEADERS", headers},
			variable{prefix + "TIMEOUT", number(1)},
			variable{prefix + "CERTIFICATE", certificate})
	}
	for _, name := range []string{"SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"} {
		vs = append(vs, variable{"OTEL_BSP_" + name, number(1)})
	}
	for _, name := range []string{
		"ATTRIBUTE_VALUE_LENGTH", "ATTRIBUTE_COUNT", "SPAN_ATTRIBUTE_VALUE_LENGTH", "SPAN_ATTRIBUTE_COUNT",
		"SPAN_EVENT_COUNT", "SPAN_LINK_COUNT", "EVENT_ATTRIBUTE_COUNT", "LINK_ATTRIBUTE_COUNT",
	} {
		vs = append(vs, variable{"OTEL_" + name + "_LIMIT", number(0)})
	}
	return vs
}

func oneOf(known ...string) func(string) error {
	return func(raw string) error {
		if slices.Contains(known, strings.TrimSpace(raw)) {
			return nil
		}
		last := len(known) - 1
		return fmt.Errorf("%.40q is not known here; use %s or %s", raw, strings.Join(known[:last], ", "), known[last])
	}
}

func boolean(raw string) error {
	return oneOf("true", "false")(strings.ToLower(raw))
}

// number checks for a whole number, up to what is certainly a mistake: a queue of
// that size is allocated at once.
func number(from int) func(string) error {
	const most = 1_000_000
	return func(raw string) error {
		if n, err := strconv.Atoi(raw); err != nil || n < from || n > most {
			return fmt.Errorf("must be a whole number from %d to %d, not %.40q", from, most, raw)
		}
		return nil
	}
}

func ratio(raw string) error {
	if r, err := strconv.ParseFloat(strings.TrimSpace(raw), 64); err != nil || !(r >= 0 && r <= 1) {
		return fmt.Errorf("must be a number from 0 to 1, not %.40q", raw)
	}
	return nil
}

// propagators checks that traces are handed on in the one way in which they are.
func propagators(raw string) error {
	for one := range strings.SplitSeq(raw, ",") {
		if strings.TrimSpace(one) == "tracecontext" {
			return nil
		}
	}
	return errors.New("traces are handed on as tracecontext only; name that, or leave the variable out")
}

// endpoint never quotes: whoever puts a key into the address does not expect it in
// a log.
func endpoint(raw string) error {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("must be an address such as http://localhost:4318 (for grpc, http://localhost:4317)")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must not hold a name, a key or a query; keys go into OTEL_EXPORTER_OTLP_HEADERS")
	}
	return nil
}

// pairs checks for "a=b,c=d", with values as in the path of a URL.
func pairs(raw string) error {
	return eachPair(raw, func(name, _ string) bool { return name != "" })
}

// headers checks for pairs that can be headers. It never quotes: they hold keys.
func headers(raw string) error {
	return eachPair(raw, func(name, value string) bool {
		odd := func(r rune) bool { return r < ' ' || r > '~' }
		return name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") == "" && !strings.ContainsFunc(value, odd)
	})
}

func eachPair(raw string, sound func(name, value string) bool) error {
	n := 0
	for pair := range strings.SplitSeq(raw, ",") {
		n++
		name, escaped, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(escaped)
		if !found || err != nil || !sound(strings.TrimSpace(name), value) {
			return fmt.Errorf("pair %d is not of the form name=value (with special characters as %%2C); pairs are separated by commas", n)
		}
	}
	return nil
}

func certificate(raw string) error {
	pem, err := os.ReadFile(strings.TrimSpace(raw))
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate in PEM", strings.TrimSpace(raw))
	}
	return nil
}

func keyPair(certificate, key string) error {
	switch {
	case certificate == "" && key == "":
		return nil
	case certificate == "" || key == "":
		return errors.New("one needs the other")
	}
	_, err := tls.LoadX509KeyPair(certificate, key)
	return err
}

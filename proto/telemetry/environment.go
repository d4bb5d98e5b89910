package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// environment looks variables up.
type environment func(string) string

func (env environment) get(name string) string { return strings.TrimSpace(env(name)) }

// otlp looks a variable of the exporter up, that for traces first.
func (env environment) otlp(name string) string {
	return cmp.Or(env.get("OTEL_EXPORTER_OTLP_TRACES_"+name), env.get("OTEL_EXPORTER_OTLP_"+name))
}

// wanted reports whether the variables ask for traces, or what is wrong with them.
func (env environment) wanted() (bool, error) {
	if strings.EqualFold(env.get("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := env.get("OTEL_TRACES_EXPORTER"); {
	case exporter == "none", exporter == "" && env.otlp("ENDPOINT") == "":
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER: %w", oneOf("otlp", "none")(exporter))
	}
	return true, env.check()
}

// check looks at all variables, since OpenTelemetry itself takes a wrong one for
// an absent one, or prints it, secrets included.
func (env environment) check() error {
	var errs []error
	for _, v := range variables() {
		if raw := env(v.name); strings.TrimSpace(raw) != "" {
			if err := v.check(raw); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", v.name, err))
			}
		}
	}
	for _, prefix := range prefixes {
		certificate, key := prefix+"CLIENT_CERTIFICATE", prefix+"CLIENT_KEY"
		if err := keyPair(env.get(certificate), env.get(key)); err != nil {
			errs = append(errs, fmt.Errorf("%s and %s: %w", certificate, key, err))
		}
	}
	return errors.Join(errs...)
}

func (env environment) protocol() string { return cmp.Or(env.otlp("PROTOCOL"), "http/protobuf") }

// hide takes the values of the exporter's headers, which may be keys, out of a
// text.
func (env environment) hide(text string) string {
	for _, prefix := range prefixes {
		for pair := range strings.SplitSeq(env(prefix+"HEADERS"), ",") {
			_, raw, _ := strings.Cut(pair, "=")
			value, err := url.PathUnescape(raw)
			if err != nil {
				value = raw
			}
			// "Bearer key" is two words, each of which may come back alone.
			for _, secret := range append([]string{raw, value}, strings.Fields(value)...) {
				if secret = strings.TrimSpace(secret); len(secret) >= shortestSecret {
					text = strings.ReplaceAll(text, secret, "[secret]")
				}
			}
		}
	}
	return text
}

// shortestSecret bounds what is hidden: shorter values are words, not keys.
const shortestSecret = 8

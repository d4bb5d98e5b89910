package graph

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Host is one of Meta's hosts.
type Host string

// Hosts. A token of one login flavour is worth nothing at the other's host.
const (
	Facebook       Host = "graph.facebook.com"   // The Graph API, for tokens of Facebook Login.
	Instagram      Host = "graph.instagram.com"  // The same for tokens of Instagram Login.
	InstagramAPI   Host = "api.instagram.com"    // Where Instagram Login turns codes into tokens.
	Upload         Host = "rupload.facebook.com" // Where the bytes of a video go.
	FacebookDialog Host = "www.facebook.com"     // Where a person consents, Facebook Login.
	InstagramPages Host = "www.instagram.com"    // Where a person consents, Instagram Login.
)

// DefaultVersion is the version of the Graph API that requests name.
const DefaultVersion = "v25.0"

// Sunsets says until which day Meta answers a version; an empty day means that
// Meta has not named one yet.
// Source: developers.facebook.com/docs/graph-api/changelog/versions.
var Sunsets = []struct{ Version, Until string }{
	{"v26.0", ""},
	{"v25.0", "2028-07-29"},
	{"v24.0", "2028-02-18"},
	{"v23.0", "2027-10-08"},
	{"v22.0", "2027-05-20"},
	{"v21.0", "2027-01-21"},
	{"v20.0", "2026-09-24"},
	{"v3.2", "2021-05-04"},
}

var version = regexp.MustCompile(`^v[1-9][0-9]?\.[0-9]$`)

// Check says what is wrong with a client's fields, or nothing.
func (c *Client) Check() error {
	if c.Version != "" && !version.MatchString(c.Version) {
		return fmt.Errorf("version %q is not of the form v25.0", c.Version)
	}
	if c.Sandbox == "" {
		return nil
	}
	u, err := url.Parse(c.Sandbox)
	if err != nil {
		return fmt.Errorf("the sandbox URL is not a URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("the sandbox URL must be of the form http://127.0.0.1:8080")
	}
	return nil
}

// URL returns the address of a path at a host.
func (c *Client) URL(h Host, path string, unversioned bool) string {
	base, slash := "https://", ""
	if c.Sandbox != "" {
		base, slash = strings.TrimSuffix(c.Sandbox, "/"), "/"
	}
	if unversioned {
		return base + slash + string(h) + path
	}
	return base + slash + string(h) + "/" + c.version() + path
}

func (c *Client) version() string {
	if c.Version == "" {
		return DefaultVersion
	}
	return c.Version
}

// AtLeast reports whether the client speaks version v or a later one.
func (c *Client) AtLeast(v string) bool {
	return number(c.version()) >= number(v)
}

// number makes versions comparable: v3.2 is 302, v25.0 is 2500.
func number(v string) int {
	var major, minor int
	if _, err := fmt.Sscanf(v, "v%d.%d", &major, &minor); err != nil {
		return 0
	}
	return major*100 + minor
}

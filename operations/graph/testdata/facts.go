//go:build ignore

// Command facts makes facts.json from Meta's machine-readable API specs: for each
// node its fields, and for each of its edges and methods the parameters, their
// types, and what is returned. Names only, no texts.
//
//	go run facts.go SPECS > facts.json
//
// SPECS is the folder api_specs/specs of github.com/facebook/facebook-business-sdk-codegen.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// nodes are the specs that the connector's requests go to.
var nodes = []string{
	"Application", "IGComment", "IGMedia", "IGMediaForIGOnlyAPI", "IGUser", "IGUserForIGOnlyAPI", "InstagramInsightsResult",
	"IGCommentFromUser", "MessengerProfile", "Page", "ShadowIGHashtag", "ShadowIGMediaBuilder", "ShadowIGMediaProductTags",
	"ShadowIGUserCatalogProductSearch", "ShadowIGUserCollaborationInvites", "UnifiedThread", "User",
	"IGAccessTokenForIGOnlyAPI", "IGRefreshAccessTokenForIGOnlyAPI",
}

type spec struct {
	APIs []struct {
		Method   string
		Endpoint string
		Return   string
		Params   []struct{ Name, Type string }
	}
	Fields []struct{ Name, Type string }
}

type call struct {
	Params  map[string]string `json:"params,omitempty"`
	Returns string            `json:"returns,omitempty"`
}

type node struct {
	Fields map[string]string `json:"fields"`
	Calls  map[string]call   `json:"calls,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run facts.go SPECS > facts.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "facts:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	facts := struct {
		Source string              `json:"source"`
		Nodes  map[string]node     `json:"nodes"`
		Enums  map[string][]string `json:"enums"`
	}{"facebook/facebook-business-sdk-codegen@ad2b0b6, Graph API v25.0", map[string]node{}, map[string][]string{}}

	used := map[string]bool{}
	for _, name := range nodes {
		var s spec
		if err := read(filepath.Join(dir, name+".json"), &s); err != nil {
			return err
		}
		n := node{Fields: map[string]string{}, Calls: map[string]call{}}
		for _, f := range s.Fields {
			n.Fields[f.Name] = f.Type
		}
		for _, a := range s.APIs {
			c := call{Params: map[string]string{}, Returns: a.Return}
			for _, p := range a.Params {
				c.Params[p.Name] = p.Type
				used[strings.TrimSuffix(strings.TrimPrefix(p.Type, "list<"), ">")] = true
			}
			n.Calls[a.Method+" "+strings.Trim(a.Endpoint, "/")] = c
		}
		facts.Nodes[name] = n
	}
	var enums []struct {
		Name   string
		Values []string
	}
	if err := read(filepath.Join(dir, "enum_types.json"), &enums); err != nil {
		return err
	}
	for _, e := range enums {
		if used[e.Name] {
			facts.Enums[e.Name] = e.Values
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(facts)
}

func read(path string, out any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
)

// A published schema is complete in itself, while the files share shapes by
// "$ref": "common.json#/$defs/media". Bundling copies what a file uses into it.
// It works on the text, since decoding would lose the order of the properties,
// which is the order in which a builder shows them.
var (
	sharedRef = regexp.MustCompile(`("\$ref"\s*:\s*")(?:\.\./)*common\.json(#/\$defs/([A-Za-z0-9_-]+)")`)
	localRef  = regexp.MustCompile(`"\$ref"\s*:\s*"#/\$defs/([A-Za-z0-9_-]+)"`)
)

// schemaFiles reads a connector's schemas, bundled, by file name.
func schemaFiles(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		if _, dup := files[path.Base(name)]; dup {
			return fmt.Errorf("%s: there is another file of that name in another folder", name)
		}
		raw, err := fs.ReadFile(fsys, name)
		files[path.Base(name)] = raw
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading schemas: %w", err)
	}

	var common struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if raw, ok := files["common.json"]; ok {
		delete(files, "common.json")
		if err := json.Unmarshal(raw, &common); err != nil {
			return nil, fmt.Errorf("common.json: %w", err)
		}
	}
	for name, raw := range files {
		if files[name], err = bundle(raw, common.Defs); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

func bundle(raw []byte, defs map[string]json.RawMessage) ([]byte, error) {
	var wanted []string
	for _, m := range sharedRef.FindAllSubmatch(raw, -1) {
		wanted = append(wanted, string(m[3]))
	}
	raw = sharedRef.ReplaceAll(raw, []byte("$1$2"))

	var used []string
	for len(wanted) > 0 {
		name := wanted[0]
		wanted = wanted[1:]
		if slices.Contains(used, name) {
			continue
		}
		def, ok := defs[name]
		if !ok {
			return nil, fmt.Errorf("common.json has no $defs/%s", name)
		}
		used = append(used, name)
		for _, m := range localRef.FindAllSubmatch(def, -1) {
			wanted = append(wanted, string(m[1]))
		}
	}
	if len(used) > 0 {
		slices.Sort(used)
		var err error
		if raw, err = insertDefs(raw, used, defs); err != nil {
			return nil, err
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

// insertDefs adds definitions to a document's own, or at its end if it has none.
func insertDefs(raw []byte, names []string, defs map[string]json.RawMessage) ([]byte, error) {
	var document struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	var members bytes.Buffer
	for i, name := range names {
		if _, dup := document.Defs[name]; dup {
			return nil, fmt.Errorf("$defs/%s is both here and in common.json", name)
		}
		if i > 0 {
			members.WriteByte(',')
		}
		fmt.Fprintf(&members, "%q:%s", name, defs[name])
	}

	if document.Defs == nil {
		end := bytes.LastIndexByte(raw, '}')
		return slices.Concat(raw[:end], []byte(`,"$defs":{`), members.Bytes(), []byte(`}`), raw[end:]), nil
	}
	start, err := insideDefs(raw)
	if err != nil {
		return nil, err
	}
	if len(document.Defs) > 0 {
		members.WriteByte(',')
	}
	return slices.Concat(raw[:start], members.Bytes(), raw[start:]), nil
}

// insideDefs returns the offset behind the brace that opens the root's $defs.
func insideDefs(raw []byte) (int, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return 0, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0, err
		}
		if key == "$defs" {
			_, err := d.Token()
			return int(d.InputOffset()), err
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no $defs")
}

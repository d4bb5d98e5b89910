package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestImportTray_TheStoryLoopRunsHere(t *testing.T) {
	t.Parallel()
	exports, err := filepath.Glob(filepath.Join("..", "..", "tray", "testdata", "*story*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, exports)
	dir := t.TempDir()
	r := storyloop(t, "import", "tray", exports[0], "--dir", dir, "--json")
	require.Equal(t, 0, r.code, r.stderr)
	var imported []importedLine
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &imported))
	require.Len(t, imported, 1)
	r = storyloop(t, "check", imported[0].File)
	assert.Equal(t, 0, r.code, r.stdout+r.stderr)

	r = storyloop(t, "import", "tray", exports[0], "--dir", dir)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, "--force")
	r = storyloop(t, "import", "tray", exports[0], "--dir", dir, "--force")
	assert.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "wrote "+imported[0].File)

	bad := filepath.Join(dir, "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"tray_export_version":3}`), 0o600))
	r = storyloop(t, "import", "tray", bad)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, "tray_export_version")
}

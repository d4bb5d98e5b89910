package schemas

import _ "embed"

// Workflow is the JSON Schema of a workflow document. Editors complete and check
// documents with it; host/workflow does so on load.
//
//go:embed workflow.json
var Workflow []byte

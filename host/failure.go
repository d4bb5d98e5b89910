package host

import (
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// failureOf turns a connector's failure into a step's.
func failureOf(f *connectorv1.Failure) *workflow.Failure {
	out := &workflow.Failure{
		Kind: kindName(f.GetKind()), Message: f.GetMessage(), Applied: appliedName(f.GetApplied()),
		TraceID: f.GetUpstream().GetTraceId(),
	}
	out.Code, out.Subcode, _ = strings.Cut(f.GetUpstream().GetCode(), "/")
	for _, d := range f.GetDiagnostics() {
		if d.GetSeverity() != connectorv1.Severity_SEVERITY_WARNING {
			out.Pointer, out.Advice = d.GetPointer(), d.GetDetail()
			if out.Code == "" {
				out.Code = d.GetCode()
			}
			break
		}
	}
	return out
}

// kindName returns a kind as workflows see it: "not_found". A kind that this host
// does not know is internal.
func kindName(k connectorv1.FailureKind) string {
	name, known := connectorv1.FailureKind_name[int32(k)]
	if !known || k == connectorv1.FailureKind_FAILURE_KIND_UNSPECIFIED {
		return workflow.Internal
	}
	return strings.ToLower(strings.TrimPrefix(name, "FAILURE_KIND_"))
}

func appliedName(a connectorv1.Applied) string {
	switch a {
	case connectorv1.Applied_APPLIED_NO:
		return "no"
	case connectorv1.Applied_APPLIED_YES:
		return "yes"
	}
	return "unknown"
}

func list(names []string) string {
	if len(names) == 0 {
		return "the catalog does not say which"
	}
	return strings.Join(names, ", ")
}

package core

import (
	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// webhook returns the trigger for requests to an address of a workflow's own. The
// host takes them in; the connector describes them, and the keys that open such an
// address.
func webhook() *builtin {
	b := trigger(host.WebhookConnector, "Webhook", "Starts a workflow by a request to an address of its own.", "A request has come.")
	method := func(name, title string) *connectorv1.AuthMethod {
		return &connectorv1.AuthMethod{
			Name: name, Title: title, Flow: connectorv1.AuthFlow_AUTH_FLOW_FORM, FormSchema: schema("webhook." + name),
		}
	}
	b.catalog.AuthMethods = []*connectorv1.AuthMethod{
		method(host.HookHMAC, "Signed body"),
		method(host.HookStandard, "Standard Webhooks"),
		method(host.HookToken, "Token"),
	}
	b.complete = func(method string, form []byte) (*connectorv1.Credential, error) {
		if _, err := host.ParseHookKey(method, form); err != nil {
			return nil, err
		}
		return &connectorv1.Credential{Method: method, Secret: form}, nil
	}
	return b
}

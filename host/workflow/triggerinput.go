package workflow

import "encoding/json"

// TriggerInput returns the trigger's own settings, references resolved. They can
// only lead to config and to the variables of env.
func (d *Document) TriggerInput(env map[string]string) (json.RawMessage, error) {
	f := frame{run: &run{doc: d, in: Values{Env: env}}}
	return f.input(d.Trigger.Input, maxInput)
}

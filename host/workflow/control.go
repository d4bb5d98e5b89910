package workflow

// Connectors and operations that the interpreter itself carries out. The package
// host/core describes them to people, like any other connector.
const (
	LoopConnector = "loop"
	LoopList      = "loop_list"
	LoopObject    = "loop_object"
	LoopForever   = "loop_forever"
	LoopBreak     = "break_loop"

	ConditionConnector = "boolean-condition"
	Condition          = "boolean_condition"

	BranchConnector = "branch"
	BranchOperation = "branch"

	DelayConnector = "delay"
	Delay          = "delay"
	DelayUntil     = "delay_until"

	TerminateConnector = "terminate"
	Finish             = "finish"
	Fail               = "fail"
)

// Control reports whether the interpreter carries the step out by itself.
func (s *Step) Control() bool {
	switch s.Connector {
	case LoopConnector, ConditionConnector, BranchConnector, DelayConnector, TerminateConnector:
		return true
	}
	return false
}

// isLoop reports whether the step has a body that it repeats.
func (s *Step) isLoop() bool {
	return s.Connector == LoopConnector && s.Operation != LoopBreak
}

// isBreak reports whether the step ends a loop.
func (s *Step) isBreak() bool {
	return s.Connector == LoopConnector && s.Operation == LoopBreak
}

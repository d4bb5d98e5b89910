package host

// ConnectorList is [Connectors] that do not change, in the order in which to show
// them. Of two with the same name the first counts.
type ConnectorList []Connector

// Connector finds a connector by the name in its catalog.
func (l ConnectorList) Connector(name string) (Connector, bool) {
	for _, c := range l {
		if c.Catalog().GetName() == name {
			return c, true
		}
	}
	return nil, false
}

// Names returns all names.
func (l ConnectorList) Names() []string {
	names := make([]string, len(l))
	for i, c := range l {
		names[i] = c.Catalog().GetName()
	}
	return names
}

// Joined is several [Connectors] as one, such as the built-in ones and those in
// processes. Of two with the same name the first counts.
type Joined []Connectors

// Connector asks each in turn.
func (j Joined) Connector(name string) (Connector, bool) {
	for _, cs := range j {
		if c, ok := cs.Connector(name); ok {
			return c, true
		}
	}
	return nil, false
}

// Names returns the names of all.
func (j Joined) Names() []string {
	var names []string
	for _, cs := range j {
		names = append(names, cs.Names()...)
	}
	return names
}

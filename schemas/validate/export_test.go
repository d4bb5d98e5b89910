package validate

// Fits reports whether a glance is enough to see that text fits.
func (s *Schema) Fits(text []byte) bool { return s.shape.fits(text) }

// Inspect is Check without a glance before.
func (s *Schema) Inspect(text []byte) ([]Problem, error) { return s.inspect(text, nil) }

package validate

import (
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// shape is what a schema asks, as far as one pass over the bytes of a text can see
// it. Nearly every text fits, and that is all that has to be known of it: decoding
// it for the library takes many times as long. What a shape does not understand it
// leaves open, and the library decides.
type shape struct {
	open  bool     // There is more to check than is said here.
	kinds kind     // That are allowed.
	also  []*shape // The same value must fit these, too.

	properties map[string]property
	required   uint64 // The bits of the properties that must be there.
	closed     bool   // No others are allowed.
	others     *shape // What others must fit.

	items              *shape
	minItems, maxItems int
	unique             bool

	literal              bool // Strings are only asked for their kind.
	minLength, maxLength int  // In characters.
	pattern              *regexp.Regexp
	format               func(any) bool
	enum                 []string // Empty allows all.

	low, high int64 // The smallest and the largest number.
	bounded   bool  // They are asked for.
}

// property is what a shape knows of a name.
type property struct {
	shape  *shape
	listed bool   // It is no other one.
	bit    uint64 // Of a required one.
}

// kind is a set of the types that JSON Schema knows.
type kind uint8

const (
	isNull kind = 1 << iota
	isBoolean
	isInteger
	isFraction // A number with a point, which may be whole all the same.
	isString
	isArray
	isObject
	isAnything kind = 1<<iota - 1
)

var kinds = map[string]kind{
	"null": isNull, "boolean": isBoolean, "integer": isInteger, "number": isInteger | isFraction,
	"string": isString, "array": isArray, "object": isObject,
}

// seen are the fields of a compiled schema that a shape is made of, and those that
// say nothing about a value by themselves. Where another one is set, the shape is
// open.
var seen = []string{
	"Location", "Draft", "meta", "vocab", "enumError", "ContainsEval", "MinContains", "MaxContains",
	"Always", "Ref", "Types", "Enum", "AllOf", "Format", "format",
	"Required", "Properties", "AdditionalProperties", "Items2020", "MinItems", "MaxItems", "UniqueItems",
	"MinLength", "MaxLength", "Pattern", "Minimum", "Maximum",
}

// shapes makes shapes, each once: schemas lead back to themselves.
type shapes struct {
	of       map[*jsonschema.Schema]*shape
	anything *shape
	plain    map[kind]*shape // Those that ask for nothing but a type, which most do.
	other    []int           // The fields that are not seen.
}

func newShape(s *jsonschema.Schema) *shape {
	b := &shapes{of: map[*jsonschema.Schema]*shape{}, plain: map[kind]*shape{}, anything: anything()}
	for i, t := 0, reflect.TypeFor[jsonschema.Schema](); i < t.NumField(); i++ {
		if !slices.Contains(seen, t.Field(i).Name) {
			b.other = append(b.other, i)
		}
	}
	return b.shape(s)
}

// anything is the shape of all JSON.
func anything() *shape {
	s := &shape{kinds: isAnything, literal: true, maxItems: math.MaxInt}
	s.items, s.others = s, s
	return s
}

func (b *shapes) shape(s *jsonschema.Schema) *shape {
	if s == nil {
		return b.anything
	}
	if made, ok := b.of[s]; ok {
		return made
	}
	made := *b.anything
	b.of[s] = &made
	made.open = b.more(s)
	if len(s.Types) > 0 {
		made.kinds = 0
		for _, t := range s.Types {
			made.kinds |= kinds[t]
		}
	}
	b.object(&made, s)
	b.array(&made, s)
	made.string(s)
	made.number(s)
	for _, also := range append(slices.Clone(s.AllOf), s.Ref) {
		if also != nil {
			made.also = append(made.also, b.shape(also))
		}
	}
	switch bare := b.bare(&made); {
	case bare && len(made.also) == 0:
		if b.plain[made.kinds] == nil {
			b.plain[made.kinds] = &made
		}
		b.of[s] = b.plain[made.kinds]
	case bare && len(made.also) == 1 && (made.kinds == isAnything || made.kinds == made.also[0].kinds):
		b.of[s] = made.also[0] // One pass less.
	}
	return b.of[s]
}

// bare reports whether a shape asks for nothing but a type.
func (b *shapes) bare(s *shape) bool {
	return !s.open && len(s.properties) == 0 && !s.closed && s.others == b.anything &&
		s.items == b.anything && s.minItems <= 0 && s.maxItems == math.MaxInt && !s.unique && s.literal && !s.bounded
}

// more reports whether s asks for anything that a shape does not know.
func (b *shapes) more(s *jsonschema.Schema) bool {
	fields := reflect.ValueOf(s).Elem()
	for _, i := range b.other {
		unset := fields.Field(i).IsZero()
		if fields.Field(i).Kind() == reflect.Int {
			unset = fields.Field(i).Int() == -1 // None at all is a bound, too.
		}
		if !unset {
			return true
		}
	}
	return s.Always != nil && !*s.Always
}

func (b *shapes) object(made *shape, s *jsonschema.Schema) {
	switch rest := s.AdditionalProperties.(type) {
	case bool:
		made.closed = !rest
	case *jsonschema.Schema:
		made.others = b.shape(rest)
	}
	if len(s.Properties)+len(s.Required) == 0 {
		return
	}
	if len(s.Required) > 64 {
		made.open = true
		return
	}
	made.properties = make(map[string]property, len(s.Properties))
	for name, of := range s.Properties {
		made.properties[name] = property{shape: b.shape(of), listed: true}
	}
	for i, name := range s.Required {
		p, listed := made.properties[name]
		if !listed {
			p.shape = made.others
		}
		p.bit |= 1 << i
		made.properties[name] = p
		made.required |= p.bit
	}
}

func (b *shapes) array(made *shape, s *jsonschema.Schema) {
	made.items, made.minItems, made.unique = b.shape(s.Items2020), s.MinItems, s.UniqueItems
	if s.MaxItems >= 0 {
		made.maxItems = s.MaxItems
	}
}

func (made *shape) string(s *jsonschema.Schema) {
	made.minLength, made.maxLength, made.pattern, made.format = s.MinLength, s.MaxLength, s.Pattern, jsonschema.Formats[s.Format]
	for _, value := range s.Enum {
		word, ok := value.(string)
		made.open = made.open || !ok
		made.enum = append(made.enum, word)
	}
	if len(made.enum) > 0 {
		made.kinds &= isString
	}
	made.literal = s.MinLength < 0 && s.MaxLength < 0 && s.Pattern == nil && made.format == nil && len(made.enum) == 0
}

func (made *shape) number(s *jsonschema.Schema) {
	var lowest, highest bool
	made.low, lowest = whole(s.Minimum, math.MinInt64)
	made.high, highest = whole(s.Maximum, math.MaxInt64)
	made.open = made.open || !lowest || !highest
	made.bounded = s.Minimum != nil || s.Maximum != nil
}

// whole returns a bound as a whole number, if it is one.
func whole(bound *big.Rat, without int64) (int64, bool) {
	if bound == nil {
		return without, true
	}
	return bound.Num().Int64(), bound.IsInt() && bound.Num().IsInt64()
}

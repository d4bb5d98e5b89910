package sqlite_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// FuzzEncode holds what is written of an entry against json.Marshal, byte for byte.
func FuzzEncode(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{
		"instagram-2", "", `"quoted" \ back`, "<a>&b", "line\nfeed\ttab\x00\x1f", "\x7f~ ", "é 🙂 \u2028\u2029", "\xff\xc3(", "loop-1[3]/instagram-2#2",
	} {
		f.Add(uint64(0), text, int64(1), int64(2))
		f.Add(^uint64(0), text, int64(1795348800), int64(123_456_789))
		for range 40 {
			f.Add(random.Uint64(), text, random.Int64N(1<<38), random.Int64N(1_000_000_000))
		}
	}
	f.Add(^uint64(0), "year 10000", int64(253_402_300_800), int64(0))
	f.Add(^uint64(0), "before zero", int64(-62_135_596_801), int64(-1))
	f.Fuzz(func(t *testing.T, set uint64, text string, seconds, nanoseconds int64) {
		var e host.Entry
		x := some{set: rand.New(rand.NewPCG(set, 0)), all: set == ^uint64(0), text: text, at: time.Unix(seconds, nanoseconds), n: seconds}
		if set != 0 {
			x.fill(t, reflect.ValueOf(&e).Elem())
		}
		written, marshalled, writing, marshalling := sqlite.Encode(e)
		assert.Equal(t, marshalling == nil, writing == nil, "%v, %v", marshalling, writing)
		assert.Equal(t, marshalled, written)
	})
}

// some fills some of the fields of a value.
type some struct {
	set  *rand.Rand
	all  bool
	text string
	at   time.Time
	n    int64
}

func (s *some) fill(t *testing.T, v reflect.Value) {
	_, isTime := v.Interface().(time.Time)
	if v.Kind() == reflect.Struct && !isTime {
		for i := range v.NumField() {
			s.fill(t, v.Field(i))
		}
		return
	}
	if !s.all && s.set.IntN(2) == 0 {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = s.at
		return
	case *json.RawMessage:
		*x = json.RawMessage("{}")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s.text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(s.n)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		s.fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		s.fill(t, v.Index(0))
		s.fill(t, v.Index(1))
	default:
		t.Fatalf("no value for a %s", v.Type())
	}
}

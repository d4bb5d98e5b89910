package host

import "time"

// parts is into how many parts a counter divides its window.
const parts = 20

// counter counts calls in a window that slides. It errs by one part of the window
// at most, to the safe side.
type counter struct {
	window time.Duration
	most   int // Calls in the window.
	parts  [parts + 1]int
	part   int64 // Number of the part that parts ends with.
}

func (c *counter) length() time.Duration { return max(c.window/parts, 1) }

// slide forgets the parts that the window has left behind.
func (c *counter) slide(now time.Time) {
	at := now.UnixNano() / int64(c.length())
	by := int(min(max(at-c.part, 0), int64(len(c.parts))))
	copy(c.parts[:], c.parts[by:])
	clear(c.parts[len(c.parts)-by:])
	c.part = max(c.part, at)
}

func (c *counter) count(now time.Time) int {
	c.slide(now)
	n := 0
	for _, calls := range c.parts {
		n += calls
	}
	return n
}

func (c *counter) add(now time.Time) {
	c.slide(now)
	c.parts[len(c.parts)-1]++
}

// free returns when there is room for another call: now, or when enough parts have
// left the window.
func (c *counter) free(now time.Time) time.Time {
	over := c.count(now) - c.most + 1
	for i, calls := range c.parts {
		if over <= 0 {
			if i == 0 {
				return now
			}
			// Part i-1 has left once the window's last part is i-1 further.
			return time.Unix(0, (c.part+int64(i))*int64(c.length()))
		}
		over -= calls
	}
	return now.Add(c.window)
}

//go:build tools

// Package tools keeps the test vectors in go.mod: they are files, not a command, so `tool` does not hold them.
package tools

import _ "c2sp.org/CCTV/age"

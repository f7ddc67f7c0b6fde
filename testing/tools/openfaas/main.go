// Prints a secret as a function of OpenFaaS reads it: with ReadSecret of OpenFaaS' SDK, from the folder that the variable
// secret_mount_path names.
package main

import (
	"fmt"
	"os"

	sdk "github.com/openfaas/go-sdk"
)

func main() {
	value, err := sdk.ReadSecret(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(value)
}

// Asks the kubelet's own keyring which credentials it finds for images: the oracle of `seal registry`.
//
// Standard input: a JSON list of {"secrets": [Secret…], "images": [name…]}. Standard output: a list of the same length of
// {"failed": whether the Secrets are an error for the whole pod, "found": for each image a list of {"username", "password"}}.
// The name of an image is made whole first, as the kubelet does.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

type question struct {
	Secrets []v1.Secret `json:"secrets"`
	Images  []string    `json:"images"`
}

type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type answer struct {
	Failed bool      `json:"failed"`
	Found  [][]login `json:"found"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "keyring:", err)
		os.Exit(1)
	}
}

func run() error {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		return err
	}
	answers := []answer{}
	for _, asked := range questions {
		answered, err := ask(asked)
		if err != nil {
			return err
		}
		answers = append(answers, answered)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func ask(asked question) (answer, error) {
	keyring, err := secrets.MakeDockerKeyring(asked.Secrets, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		return answer{Failed: true, Found: [][]login{}}, nil
	}
	answered := answer{Found: [][]login{}}
	for _, image := range asked.Images {
		repository, _, _, err := parsers.ParseImageName(image)
		if err != nil {
			return answered, fmt.Errorf("%s is no name of an image", image)
		}
		found := []login{}
		credentials, _ := keyring.Lookup(repository)
		for _, one := range credentials {
			found = append(found, login{one.Username, one.Password})
		}
		answered.Found = append(answered.Found, found)
	}
	return answered, nil
}

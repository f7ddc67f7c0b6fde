// What GitOps tools make of an object, said by their own code: kstatus, as Flux and kustomize have it, and a Lua script in the
// interpreter and with the few libraries that Argo CD gives it.
//
//	gitops-verdict kstatus < OBJECT.json          prints `STATUS: message`
//	gitops-verdict health FILE.lua < OBJECT.json  prints `STATUS: message`
//	gitops-verdict action FILE.lua < OBJECT.json  prints what the script returns, as JSON
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gitops-verdict:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var object map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&object); err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "kstatus":
		result, err := status.Compute(&unstructured.Unstructured{Object: numbers(object).(map[string]any)})
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", result.Status, result.Message)
		return nil
	case len(args) == 2 && args[0] == "health":
		value, err := script(args[1], object)
		if err != nil {
			return err
		}
		health, ok := value.(map[string]any)
		if !ok {
			return errors.New("the script returns no table")
		}
		fmt.Printf("%v: %v\n", health["status"], health["message"])
		return nil
	case len(args) == 2 && args[0] == "action":
		value, err := script(args[1], object)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(value)
	}
	return errors.New("usage: gitops-verdict kstatus | health FILE.lua | action FILE.lua")
}

// Unstructured objects have int64 where JSON has whole numbers.
func numbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = numbers(value[key])
		}
	case []any:
		for at := range value {
			value[at] = numbers(value[at])
		}
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	}
	return value
}

// Runs a script over `obj`. Of Argo CD's libraries only those without a way out of the interpreter are here, and os.date.
func script(path string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString,
		lua.OsLibName: onlyDate,
	} {
		call := lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoFile(path); err != nil {
		return nil, err
	}
	return fromLua(state.Get(-1)), nil
}

func onlyDate(state *lua.LState) int {
	lua.OpenOs(state)
	whole := state.GetGlobal("os").(*lua.LTable)
	part := state.NewTable()
	part.RawSetString("date", whole.RawGetString("date"))
	part.RawSetString("time", whole.RawGetString("time"))
	state.SetGlobal("os", part)
	return 0
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	}
	return lua.LNil
}

func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case lua.LBool:
		return bool(value)
	case lua.LNumber:
		return float64(value)
	case lua.LString:
		return string(value)
	case *lua.LTable:
		if value.Len() > 0 {
			list := []any{}
			value.ForEach(func(_, item lua.LValue) { list = append(list, fromLua(item)) })
			return list
		}
		object := map[string]any{}
		value.ForEach(func(key, item lua.LValue) { object[key.String()] = fromLua(item) })
		return object
	}
	return nil
}

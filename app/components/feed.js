// Where answers arrive and requests leave; the other parts know only `window.vidmem`.
watch("value", () => window.vidmem.receive(props.value));
window.vidmem.connect(() => trigger("input"));

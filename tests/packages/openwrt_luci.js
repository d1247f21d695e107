/*
 * openwrt_luci - runs the LuCI page under stand-ins for LuCI's modules
 *
 * usage: node openwrt_luci.js VIEW < SCENARIO.json > RESULT.json
 *
 * SCENARIO: { config: {option: value}, answers: {"queue": {code, stdout, stderr}},
 * write: [[option, value or null]], click: [button], address: text }. It is
 * LuCI's loader in small: "require X" becomes the parameter X of a function.
 */
'use strict';
const nodefs = require('fs');

const source = nodefs.readFileSync(process.argv[2], 'utf8');
const scenario = JSON.parse(nodefs.readFileSync(0, 'utf8'));
const values = scenario.config || {};
const result = { options: {}, exec: [], notes: [], polls: 0, text: '', html: null };

String.prototype.format = function(...args) {
	return this.replace(/%(?:[0-9.]*m)?[sdB]?/g, () => args.shift());
};

class Node {
	constructor(tag, attr, kids) {
		this.tag = tag;
		this.attr = attr || {};
		this.kids = kids || [];
		this.value = '';
	}
	replaceChildren(...kids) { this.kids = kids; }
	text() {
		return this.kids.map(k => k instanceof Node ? k.text() : String(k)).join(' ');
	}
	find(tag) {
		return this.kids.filter(k => k instanceof Node).flatMap(k =>
			(k.tag === tag ? [ k ] : []).concat(k.find(tag)));
	}
}
const E = (tag, attr, kids) => new Node(tag, attr, kids);

class Option {
	constructor(name, title) { Object.assign(this, { name, title, choices: [] }); }
	value(key) { this.choices.push(key); }
	cfgvalue() { return values[this.name] === undefined ? null : values[this.name]; }
	write(section, value) { values[this.name] = value; }
	remove() { delete values[this.name]; }
}
class Section {
	constructor() { this.tabs = []; }
	tab(name) { this.tabs.push(name); }
	taboption(tab, type, name, title) {
		if (!this.tabs.includes(tab))
			throw new Error('no tab ' + tab);
		return result.options[name] = new type(name, title);
	}
}
const form = {
	Map: class {
		constructor(config) { this.config = config; }
		section(type, name, kind) {
			result.section = [ this.config, name, kind ];
			return new Section();
		}
		render() { return Promise.resolve(E('form', {}, [])); }
	},
	NamedSection: class {}
};
for (const type of [ 'Value', 'ListValue', 'Flag', 'DynamicList' ])
	form[type] = class extends Option {};

const modules = {
	form,
	fs: {
		exec: (path, args) => {
			const answer = scenario.answers[args[0]];

			result.exec.push([ path, ...args ]);
			return answer ? Promise.resolve(answer)
				: Promise.reject(new Error('Permission denied'));
		}
	},
	poll: { add: () => { result.polls++; } },
	uci: {
		load: () => Promise.resolve(),
		get: (config, section, option) => values[option],
		set: (config, section, option, value) => { values[option] = value; },
		unset: (config, section, option) => { delete values[option]; }
	},
	ui: {
		addNotification: (title, node, kind) => result.notes.push([ kind, node.text() ]),
		createHandlerFn: (that, fn) => fn.bind(that)
	},
	view: { extend: o => o }
};

async function main() {
	const needs = [ ...source.matchAll(/^'require ([a-z]+)';$/gm) ].map(m => m[1]);
	const page = new Function(...needs, 'E', '_', source)(
		...needs.map(n => modules[n]), E, text => text);
	const node = await page.render(await page.load());

	node.find('input').forEach(i => { i.value = scenario.address || ''; });
	for (const n of scenario.click || [])
		await node.find('button')[n].attr.click();
	for (const [ name, value ] of scenario.write || []) {
		const option = result.options[name];

		if (value === null)
			option.remove('main');
		else
			option.write('main', value);
	}
	result.text = node.text();
	result.values = values;
	result.shown = {};
	for (const [ name, option ] of Object.entries(result.options))
		result.shown[name] = option.cfgvalue('main');
	if (scenario.parse !== undefined)
		result.parsed = page.parseQueue(scenario.parse);
	result.roundtrip = (scenario.smarthosts || []).map(t =>
		page.printSmarthost(page.parseSmarthost(t)));
	process.stdout.write(JSON.stringify(result));
}

main().catch(e => { console.error(e); process.exit(1); });

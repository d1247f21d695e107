'use strict';
'require form';
'require fs';
'require poll';
'require uci';
'require ui';
'require view';

const helper = '/usr/libexec/pillarbox-luci';
const modes = [ 'tls', 'starttls', 'may', 'none' ];

/*
 * The smarthost is one directive: HOST[:PORT] [MODE] [user=U]
 * [password-file=F] [noverify]. The page has a field for each part, and keeps
 * other words.
 */
function parseSmarthost(text) {
	const words = (text || '').split(/\s+/).filter(w => w);
	const host = (words.shift() || '').match(/^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/);
	const parts = { host: host ? host[1] : '', port: host ? host[2] : null };

	for (const w of words) {
		if (modes.includes(w))
			parts.mode = w;
		else if (w === 'noverify')
			parts.noverify = '1';
		else if (w.startsWith('user='))
			parts.user = w.substring(5);
		else if (w.startsWith('password-file='))
			parts.file = w.substring(14);
		else
			parts.more = (parts.more || []).concat(w);
	}
	return parts;
}

function printSmarthost(parts) {
	if (!parts.host)
		return null;
	return [
		parts.host + (parts.port ? ':' + parts.port : ''),
		parts.mode,
		parts.user ? 'user=' + parts.user : null,
		parts.user && parts.file ? 'password-file=' + parts.file : null,
		parts.noverify === '1' ? 'noverify' : null,
		...parts.more || []
	].filter(w => w).join(' ');
}

/*
 * What mailq prints: a line for a message (age, next try), then, indented, why
 * it waits, and further in the recipients.
 */
function parseQueue(text) {
	const messages = [];

	for (const line of text.split('\n')) {
		const head = line.match(/^([0-9A-Za-z]+)[ !*] *(\d+)  (.{20})(.*)$/);
		const indent = line.search(/\S/);
		const last = messages[messages.length - 1];

		if (head)
			messages.push({ id: head[1], size: +head[2],
				time: head[3].trim().replace(/ +/, ', '), sender: head[4],
				why: '', rcpts: [] });
		else if (last && indent >= 50)
			last.rcpts.push(line.trim());
		else if (last && indent >= 20)
			last.why = line.trim();
	}
	return messages;
}

/*
 * A field of the page that is a part of the smarthost directive; of several
 * lines it is the first, the others stay as they are.
 */
function partOf(option, part) {
	const lines = section =>
		[].concat(uci.get('pillarbox', section, 'smarthost') || []);
	const read = section => parseSmarthost(lines(section)[0]);
	const change = (section, value) => {
		const parts = Object.assign(read(section), { [part]: value });
		const all = [ printSmarthost(parts), ...lines(section).slice(1) ]
			.filter(line => line);

		if (all.length)
			uci.set('pillarbox', section, 'smarthost',
				all.length > 1 ? all : all[0]);
		else
			uci.unset('pillarbox', section, 'smarthost');
	};

	option.cfgvalue = section => read(section)[part] || null;
	option.write = (section, value) => change(section, value);
	option.remove = section => change(section, null);
	return option;
}

function addSmarthost(s) {
	let o;

	o = partOf(s.taboption('out', form.Value, '_host', _('Smarthost'),
		_('The server that takes all mail for others. Without one, mail goes straight to its destination.')), 'host');
	o.datatype = 'host';
	o.placeholder = 'smtp.provider.example';

	o = partOf(s.taboption('out', form.Value, '_port', _('Port')), 'port');
	o.datatype = 'port';
	o.placeholder = '587';

	o = partOf(s.taboption('out', form.ListValue, '_mode', _('Encryption')), 'mode');
	o.value('', _('as usual on this port'));
	o.value('tls', _('TLS from the first byte'));
	o.value('starttls', _('STARTTLS'));
	o.value('may', _('if the server offers it'));
	o.value('none', _('none'));

	o = partOf(s.taboption('out', form.Value, '_user', _('User name')), 'user');
	o.validate = (section, value) => !/[\s"#]/.test(value) || _('No blanks, quotes or #');

	o = s.taboption('out', form.Value, 'smarthost_password', _('Password'));
	o.password = true;

	o = partOf(s.taboption('out', form.Flag, '_noverify', _('Any certificate'),
		_('Do not check who the smarthost is. The password can then be stolen on the way.')), 'noverify');
	o.default = '0';
}

function addServer(s) {
	let o;

	o = s.taboption('server', form.Flag, 'enabled', _('Enabled'),
		_('Without the mail services, programs can still send through the smarthost.'));
	o.rmempty = false;

	o = s.taboption('server', form.Value, 'hostname', _('Host name'));
	o.datatype = 'hostname';

	o = s.taboption('server', form.DynamicList, 'domain', _('Our domains'),
		_('Mail for these is delivered here.'));
	o.datatype = 'hostname';

	o = s.taboption('server', form.DynamicList, 'relay_from', _('May send without password'),
		_('Addresses or networks whose machines may send to anybody.'));
	o.datatype = 'or(ipaddr, cidr)';
	o.placeholder = '192.168.1.0/24';

	o = s.taboption('server', form.Value, 'spool_dir', _('Folder for waiting mail'));
	o.datatype = 'directory';
	o = s.taboption('server', form.Value, 'mail_dir', _('Folder for mailboxes'));
	o.datatype = 'directory';
}

/* What the helper said; a call that did not come about looks like one that failed. */
function run(...args) {
	return fs.exec(helper, args).catch(e => ({ code: 1, stderr: e.message }));
}

function failed(result) {
	return (result.stderr || result.stdout || '').trim() ||
		_('Exit status %d').format(result.code);
}

return view.extend({
	parseSmarthost: parseSmarthost,
	printSmarthost: printSmarthost,
	parseQueue: parseQueue,

	showQueue: function(node, result) {
		const messages = parseQueue(result.stdout || '');
		const rows = messages.map(m => E('tr', { 'class': 'tr' }, [
			E('td', { 'class': 'td' }, [ m.id ]),
			E('td', { 'class': 'td' }, [ m.time ]),
			E('td', { 'class': 'td' }, [ '%1024mB'.format(m.size) ]),
			E('td', { 'class': 'td' }, [ m.sender ]),
			E('td', { 'class': 'td' }, [ m.rcpts.join(', ') ]),
			E('td', { 'class': 'td' }, [ m.why ])
		]));
		const titles = [ _('ID'), _('Since'), _('Size'), _('From'), _('To'), _('Why it waits') ];

		if (result.code)
			node.replaceChildren(E('em', {}, [ failed(result) ]));
		else if (!rows.length)
			node.replaceChildren(E('em', {}, [ _('No mail is waiting.') ]));
		else
			node.replaceChildren(E('table', { 'class': 'table' }, [
				E('tr', { 'class': 'tr table-titles' },
					titles.map(t => E('th', { 'class': 'th' }, [ t ])))
			].concat(rows)));
	},

	refresh: function(node) {
		return run('queue').then(result => this.showQueue(node, result));
	},

	flush: function(node) {
		return run('flush').then(result => {
			ui.addNotification(null, E('p', {}, [
				result.code ? failed(result) : (result.stdout || '').trim() ]),
				result.code ? 'error' : 'info');
			return this.refresh(node);
		});
	},

	/* The smarthost that is saved is what is tried, not one just typed in. */
	test: function(address) {
		if (!address) {
			ui.addNotification(null, E('p', {}, [ _('To which address?') ]), 'warning');
			return Promise.resolve();
		}
		return run('test', address).then(result => {
			ui.addNotification(null, E('p', {}, [ result.code
				? _('The test message was not sent: %s').format(failed(result))
				: _('The test message was sent to %s.').format(address) ]),
				result.code ? 'error' : 'info');
		});
	},

	load: function() {
		return Promise.all([ uci.load('pillarbox'), run('queue') ]);
	},

	render: function(data) {
		const m = new form.Map('pillarbox', _('Mail'),
			_('The mail system of this device.'));
		const s = m.section(form.NamedSection, 'main', 'pillarbox');
		const address = E('input', { 'class': 'cbi-input-text', 'type': 'email',
			'placeholder': 'me@provider.example' });
		const queue = E('div', {});

		s.addremove = false;
		s.tab('out', _('Sending'));
		s.tab('server', _('Server'));
		addSmarthost(s);
		addServer(s);

		this.showQueue(queue, data[1]);
		poll.add(() => this.refresh(queue), 10);

		return m.render().then(node => E('div', {}, [
			node,
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Test') ]),
				address, ' ',
				E('button', { 'class': 'btn cbi-button cbi-button-action',
					'click': ui.createHandlerFn(this, () => this.test(address.value.trim()))
				}, [ _('Send a test message') ])
			]),
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Queue') ]),
				queue,
				E('button', { 'class': 'btn cbi-button cbi-button-action',
					'click': ui.createHandlerFn(this, () => this.flush(queue))
				}, [ _('Try all now') ])
			])
		]));
	}
});

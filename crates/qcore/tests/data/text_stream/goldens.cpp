// What real Qt writes and reads through QTextStream, for tests/text_stream_goldens.rs.
//
// How to run, in this directory, with Qt 5.15 (Debian: apt-get install g++ qtbase5-dev):
//
//     g++ -fPIC -O1 goldens.cpp -o /tmp/goldens $(pkg-config --cflags --libs Qt5Core)
//     for table in written read scripts codecs; do LC_ALL=C.UTF-8 /tmp/goldens $table > $table.tsv; done
//
// In all tables, text is in UTF-8, and a byte that is not a letter, a digit or one of " .,+-_*'" is
// written as %XX. {c}N and a space stand for N times the same byte.
//
// written.tsv: the settings (width, pad, alignment, base, flags, notation, precision, separated by
//     commas), the value with its type, and the text that Qt writes.
// read.tsv: the reader, the integer base, the input, then what three reads return, each with the
//     status (which is reset after each), and the text that is left.
// scripts.tsv: the device, its content, the script, what each step returns, and the content afterwards.
//     `run` has the meaning of the steps.
// codecs.tsv: decode, codec, automatic detection, bytes, text (as UTF-16 in hexadecimal), and the
//     lengths of the first part at which splitting the bytes changes the text; encode, codec, byte
//     order mark, text, bytes.

#include <QtCore>

#include <cmath>
#include <cstdio>
#include <limits>

static QByteArray escaped(const QByteArray &bytes)
{
    QByteArray out;
    for (int i = 0; i < bytes.size();) {
        unsigned char c = bytes[i];
        int end = i + 1;
        while (end < bytes.size() && bytes[end] == bytes[i])
            end++;
        QByteArray one;
        if (c < 128 && (isalnum(c) || strchr(" .,+-_*'", c)) && c)
            one += char(c);
        else
            one += '%' + QByteArray(1, char(c)).toHex();
        if (end - i > 20)
            out += '{' + one + '}' + QByteArray::number(end - i) + ' ';
        else
            out += one.repeated(end - i);
        i = end;
    }
    return out;
}

static QByteArray escaped(const QString &text)
{
    return escaped(text.toUtf8());
}

static QString utf8(const char *text)
{
    return QString::fromUtf8(text);
}

// ---- written

struct Settings
{
    int width = 0;
    QChar pad = ' ';
    QTextStream::FieldAlignment alignment = QTextStream::AlignRight;
    int base = 0;
    int flags = 0;
    QTextStream::RealNumberNotation notation = QTextStream::SmartNotation;
    int precision = 6;
};

template <class T> static void written(const Settings &s, const char *type, const QByteArray &value, T v)
{
    QString out;
    QTextStream stream(&out);
    stream.setFieldWidth(s.width);
    stream.setPadChar(s.pad);
    stream.setFieldAlignment(s.alignment);
    stream.setIntegerBase(s.base);
    stream.setNumberFlags(QTextStream::NumberFlags(s.flags));
    stream.setRealNumberNotation(s.notation);
    stream.setRealNumberPrecision(s.precision);
    stream << v;
    std::printf("%d,%s,%d,%d,%d,%d,%d\t%s\t%s\t%s\n", s.width, QByteArray::number(s.pad.unicode()).data(),
                int(s.alignment), s.base, s.flags, int(s.notation), s.precision, type, value.data(),
                escaped(out).data());
}

template <class T> static void integer(const Settings &s, const char *type, T v)
{
    written(s, type, QByteArray::number(v), v);
}

static void real(const Settings &s, double v)
{
    quint64 bits;
    memcpy(&bits, &v, sizeof bits);
    written(s, "f64", QByteArray::number(bits, 16), v);
}

static void single(const Settings &s, float v)
{
    quint32 bits;
    memcpy(&bits, &v, sizeof bits);
    written(s, "f32", QByteArray::number(bits, 16), v);
}

static void integers(const Settings &s)
{
    for (int v : {0, 1, -1, 7, -31, 255, INT_MAX, INT_MIN})
        integer(s, "i32", v);
    integer(s, "i64", qint64(LLONG_MIN));
    integer(s, "u64", quint64(-1));
}

static void several(const Settings &s)
{
    for (int v : {-1, 5, 12345})
        integer(s, "i32", v);
    real(s, -1.2);
    real(s, 1.2);
    real(s, -INFINITY);
    real(s, NAN);
    for (const char *text : {"", "a", "-1", "+1", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80", "longer than it"})
        written(s, "str", escaped(QByteArray(text)), utf8(text));
    written(s, "char", escaped(QByteArray("x")), QChar('x'));
    written(s, "char", escaped(QByteArray("-")), QChar('-'));
    written(s, "char", escaped(QByteArray("\xe2\x82\xac")), QChar(0x20ac));
    written(s, "bytes", escaped(QByteArray("\xc3\xa9.")), QByteArray("\xc3\xa9."));
    written(s, "bytes", escaped(QByteArray("\xe9\xff.")), QByteArray("\xe9\xff."));
    written(s, "c_string", escaped(QByteArray("\xc3\xa9.\xe9")), "\xc3\xa9.\xe9");
    written(s, "pointer", "255", reinterpret_cast<const void *>(255));
    written(s, "pointer", "0", static_cast<const void *>(nullptr));
    written(s, "bool", "1", true);
    written(s, "bool", "0", false);
    written(s, "endl", "", Qt::endl);
}

static void printWritten()
{
    Settings s;
    for (int base : {0, 2, 3, 8, 10, 16, 36}) {
        s.base = base;
        for (s.flags = 0; s.flags < 32; s.flags++)
            integers(s);
    }
    s = Settings();
    for (int base : {0, 8, 16}) {
        s.base = base;
        integer(s, "i16", qint16(-32768));
        integer(s, "i16", qint16(32767));
        integer(s, "u16", quint16(65535));
        integer(s, "u32", quint32(-1));
        integer(s, "i64", qint64(LLONG_MAX));
        integer(s, "i8", qint8(-5));
        integer(s, "u8", quint8(200));
    }
    s = Settings();
    for (int flags : {0, int(QTextStream::ShowBase), int(QTextStream::ForceSign), 31}) {
        s.flags = flags;
        for (int base : {0, 16}) {
            s.base = base;
            for (int alignment = 0; alignment < 4; alignment++) {
                s.alignment = QTextStream::FieldAlignment(alignment);
                for (int width : {0, 1, 4, 7, 10}) {
                    s.width = width;
                    s.pad = width == 7 ? QChar('0') : width == 10 ? QChar(0x2026) : QChar(' ');
                    several(s);
                }
            }
        }
    }
    s = Settings();
    const double reals[] = {
        0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, 0.25, 0.125, 0.375, 9.5, 99.5, 999999.5, 1234567, 123456.789, 0.1,
        3.14159, 1.005, 1e-4, 1e-5, 0.00012345678, 0.000099999999, 1e21, 1e22, 1e300, 1.7976931348623157e308,
        5e-324, 2.2250738585072014e-308, 123456789012345678.0, 1e100, 100, 1000000, -12345.6789, 0.05,
        9.9999999, INFINITY, -INFINITY, NAN, 1e5, 1e6, 4503599627370496.5, 8.5, 0.45};
    for (int notation = 0; notation < 3; notation++) {
        s.notation = QTextStream::RealNumberNotation(notation);
        for (int precision : {0, 1, 2, 6, 17, 120}) {
            s.precision = precision;
            for (int flags : {0, 2, 20}) {
                if (precision == 120 && flags != 2)
                    continue;
                s.flags = flags;
                for (double v : reals)
                    real(s, v);
            }
        }
    }
    s.flags = 0;
    quint64 random = 1;
    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        quint64 bits = random ^ (random >> 29);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (i % 2)
            v = double(qint64(bits) >> 40) / (1 << (i / 2 % 16));
        s.notation = QTextStream::RealNumberNotation(i % 3);
        s.precision = i / 3 % 20;
        if (s.notation == QTextStream::FixedNotation && std::fabs(v) > 1e40)
            v = 1 / v;
        real(s, v);
    }
    s = Settings();
    for (float v : {0.1f, 1.5f, 16777216.0f, 3.4028235e38f, 1e-45f, -2.5f})
        single(s, v);
}

// ---- read

template <class T> static QByteArray one(QTextStream &s);
template <> QByteArray one<QString>(QTextStream &s) { QString v = "?"; s >> v; return escaped(v); }
template <> QByteArray one<QByteArray>(QTextStream &s) { QByteArray v = "?"; s >> v; return escaped(v); }
template <> QByteArray one<QChar>(QTextStream &s) { QChar v = '?'; s >> v; return escaped(QString(v)); }
template <> QByteArray one<char>(QTextStream &s) { char v = '?'; s >> v; return escaped(QByteArray(1, v)); }
template <> QByteArray one<char *>(QTextStream &s) { char v[300] = "?"; s >> v; return escaped(QByteArray(v)); }
template <> QByteArray one<double>(QTextStream &s)
{
    double v = 7;
    s >> v;
    quint64 bits;
    memcpy(&bits, &v, sizeof bits);
    return std::isnan(v) ? "nan" : QByteArray::number(bits, 16);
}
template <> QByteArray one<float>(QTextStream &s)
{
    float v = 7;
    s >> v;
    quint32 bits;
    memcpy(&bits, &v, sizeof bits);
    return std::isnan(v) ? "nan" : QByteArray::number(bits, 16);
}
template <class T> static QByteArray one(QTextStream &s)
{
    T v = 7;
    s >> v;
    return QByteArray::number(v);
}

template <class T> static void reading(const char *reader, int base, const QByteArray &input)
{
    QByteArray line[2];
    for (int over = 0; over < 2; over++) {
        QString text = QString::fromUtf8(input);
        QBuffer buffer;
        buffer.setData(input);
        buffer.open(QIODevice::ReadOnly);
        QTextStream stream;
        if (over == 0) {
            stream.setString(&text);
        } else {
            stream.setDevice(&buffer);
            stream.setCodec("UTF-8");
        }
        stream.setIntegerBase(base);
        for (int i = 0; i < 3; i++) {
            line[over] += one<T>(stream) + '\t';
            line[over] += QByteArray::number(stream.status()) + '\t';
            stream.resetStatus();
        }
        line[over] += escaped(stream.readAll());
    }
    // The stream over a string comes second, where it differs.
    std::printf("%s\t%d\t%s\t%s\n", reader, base, escaped(input).data(), line[1].data());
    if (line[0] != line[1])
        std::printf("%s/string\t%d\t%s\t%s\n", reader, base, escaped(input).data(), line[0].data());
}

static void printRead()
{
    const QByteArray inputs[] = {
        "", " ", "a", "0", "7", "12 34 56", "-5", "+5", "- 5", "-", "+", "--5", "0x1f", "0X1F", "-0x1f", "0x", "0xg",
        "0b101", "0B101", "0b", "0b2", "0b1010102345", "017", "08", "019", "01419999", "00", "0 1", "0xdeadbeefZzzz",
        "18446744073709551617", "18446744073709551615", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "32768", "65536", "-32769", "4294967296", "123 abc   ", "1.23 abc   ", "abc 1", "\r\n\t 42\n",
        "12,345", ".12345", "1.5", "1.5.5", "-1.5e3x", "1e", "1e+", "1e5", "1E-5", "1e5e5", "e5", ".", ".5", "5.", "5.e1", "+.5",
        "-.e5", "nan", "NaN", "NAN", "+nan", "-nan", "nanx", "na", "inf", "INF", "-inf", "+Inf", "infinity", "in", "i", "n",
        "1e999", "-1e999", "1e-999", "0.1", "123456789.123456789", "1f", "0x1p3", "314e-02 314E+02",
        "\xd9\xa3\xd9\xa4 5", "1\xd9\xa3 5", "\xef\xbc\x95\xef\xbc\x96 x", "\xe0\xa5\xa7.\xe0\xa5\xa8", "\xc2\xa0\xe3\x80\x80 9\xe2\x80\xa8" "8", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac",
        "\xe2\x88\x92" "5", "one two  three four", "  leading", "a\tb\nc\rd\x0b" "e", "a\xc2\x85" "b", "0x 1", "0xFFFFFFFFFFFFFFFF1", "0b11111111111111111111111111111111111111111111111111111111111111111", "07777777777777777777777",
        "1 2", "1\n2\n", "zz", "0z", "1e+5-3", "1-2", "1+2", "0-1", "0.5", "00.5", "0e0", "-0", "-0.0", "1_000",
        "\xf0\x9f\x98\x80 1", "1" "\xf0\x9f\x98\x80", "3e400 2", "1.7976931348623159e308", "2.4703282292062328e-324", "4.9e-324",
        QByteArray(200, '1'), "0." + QByteArray(200, '3') + " 4", QByteArray(140, '0') + "1.5",
        QByteArray(126, '1'), QByteArray(127, '1'), QByteArray(128, '1'), QByteArray(129, '1'), "1e" + QByteArray(130, '0') + "5"};
    for (const QByteArray &input : inputs) {
        for (int base : {0, 2, 8, 10, 16, 36}) {
            reading<qint16>("i16", base, input);
            reading<quint16>("u16", base, input);
            reading<qint32>("i32", base, input);
            reading<quint32>("u32", base, input);
            reading<qint64>("i64", base, input);
            reading<quint64>("u64", base, input);
        }
        reading<float>("f32", 0, input);
        reading<double>("f64", 0, input);
        // An emoji is two QChars in Qt.
        if (!input.contains('\xf0')) {
            reading<QChar>("char", 0, input);
            reading<char>("latin1", 0, input);
            reading<QByteArray>("bytes", 0, input);
            reading<char *>("c_string", 0, input);
        }
        reading<QString>("word", 0, input);
    }
}

// ---- scripts

// Returns at most `size` bytes at once and has no positions. What is written is appended to `out`.
class Pipe : public QIODevice
{
public:
    Pipe(const QByteArray &data, int size) : in(data), size(size) {}
    QByteArray in, out;
    bool isSequential() const override { return true; }
    qint64 bytesAvailable() const override { return in.size() + QIODevice::bytesAvailable(); }

protected:
    qint64 readData(char *data, qint64 max) override
    {
        qint64 count = qMin(qMin(max, qint64(size)), qint64(in.size()));
        memcpy(data, in.constData(), size_t(count));
        in.remove(0, int(count));
        return count;
    }
    qint64 writeData(const char *data, qint64 count) override
    {
        out.append(data, int(count));
        return count;
    }

private:
    int size;
};

// Each step is a letter and an argument, up to a space:
//     L, l5: readLine, with a limit; r5: read; A: readAll; W: word; i, f, c: int, double, character;
//     s: skipWhiteSpace; p: pos; d: the device's pos; k5: seek; e: atEnd; S: status, then reset;
//     wTEXT: write; F: flush; b: the byte order mark on; uNAME: setCodec; a0: autoDetectUnicode;
//     D5: the device's seek; t0, t1: the device's text mode.
static QByteArray run(QTextStream &s, const QByteArray &script)
{
    QByteArrayList results;
    for (const QByteArray &step : script.split(' ')) {
        QByteArray argument = QByteArray::fromPercentEncoding(step.mid(1));
        int number = argument.toInt();
        QByteArray result = "-";
        QString line;
        switch (step[0]) {
        case 'L': line = s.readLine(); result = line.isNull() ? "%null" : escaped(line); break;
        case 'l': line = s.readLine(number); result = line.isNull() ? "%null" : escaped(line); break;
        case 'r': result = escaped(s.read(number)); break;
        case 'A': result = escaped(s.readAll()); break;
        case 'W': result = one<QString>(s); break;
        case 'i': result = one<qint32>(s); break;
        case 'f': result = one<double>(s); break;
        case 'c': result = one<QChar>(s); break;
        case 's': s.skipWhiteSpace(); break;
        case 'p': result = QByteArray::number(s.pos()); break;
        case 'd': result = s.device() ? QByteArray::number(s.device()->pos()) : "none"; break;
        case 'D': result = s.device() && s.device()->seek(number) ? "true" : "false"; break;
        case 'k': result = s.seek(number) ? "true" : "false"; break;
        case 'e': result = s.atEnd() ? "true" : "false"; break;
        case 'S': result = QByteArray::number(s.status()); s.resetStatus(); break;
        case 'w': s << QString::fromUtf8(argument); break;
        case 'F': s.flush(); break;
        case 'b': s.setGenerateByteOrderMark(true); result = s.generateByteOrderMark() ? "true" : "false"; break;
        case 'u': s.setCodec(argument.constData()); break;
        case 'a': s.setAutoDetectUnicode(number != 0); break;
        case 't': if (s.device()) s.device()->setTextModeEnabled(number != 0); break;
        default: qFatal("%s", step.data());
        }
        results += result;
    }
    return results.join(';');
}

static void scriptOver(const QByteArray &kind, const QByteArray &content, const QByteArray &script)
{
    QByteArray results, after;
    if (kind == "string") {
        QString text = QString::fromUtf8(content);
        QTextStream stream(&text);
        results = run(stream, script);
        after = text.toUtf8();
    } else if (kind.startsWith("pipe")) {
        Pipe pipe(content, kind.mid(4).toInt());
        pipe.open(QIODevice::ReadWrite | QIODevice::Unbuffered);
        {
            QTextStream stream(&pipe);
            results = run(stream, script);
        }
        after = pipe.out;
    } else {
        QBuffer buffer;
        buffer.setData(content);
        QIODevice::OpenMode mode = QIODevice::ReadWrite;
        if (kind == "text")
            mode |= QIODevice::Text;
        if (kind == "append")
            mode |= QIODevice::Append;
        buffer.open(mode);
        {
            QTextStream stream(&buffer);
            results = run(stream, script);
        }
        after = buffer.data();
    }
    std::printf("%s\t%s\t%s\t%s\t%s\n", kind.data(), escaped(content).data(), script.data(), results.data(),
                escaped(after).data());
}

static quint64 seed = 42;
static int below(int limit)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return int((seed >> 33) % quint64(limit));
}

static QByteArray encoded(const char *codec, const QByteArray &utf8, bool bom)
{
    QTextCodec::ConverterState state(bom ? QTextCodec::DefaultConversion : QTextCodec::IgnoreHeader);
    QString text = QString::fromUtf8(utf8);
    return QTextCodec::codecForName(codec)->fromUnicode(text.constData(), text.size(), &state);
}

static void printScripts()
{
    const QByteArrayList texts = {
        "", "\n", "a", "one\ntwo\nthree", "one\r\ntwo\r\n\r\nfour\r\n", "a\r", "a\r\r\nb\r\r\n", "\r\n\r", "12 -7 0x1f abc 1.5e3\n  x\n",
        "f\xc3\xbcnf \xe2\x82\xac\n\xc3\xa9\n\n42", "  lead\n\ttab  \n", "1,5;2\n3", "a\rb\rc", "\n\n\n", "123", "4.5 6.7 x"};
    const QByteArrayList reads = {"L", "L", "L", "l0", "l1", "l3", "l20", "r0", "r1", "r2", "r7", "A", "W", "W", "i", "i", "f", "c", "c", "s"};
    const QByteArrayList asks = {"p", "p", "d", "e", "e", "S", "k0", "k1", "k3", "k5", "k99", "D2", "t0", "t1", "a0"};
    const QByteArrayList writes = {"wab", "w%0a", "wxyz%0d%0a", "w%c3%bc", "F", "F", "b", "p", "k0", "k2"};
    for (const QByteArray &kind : {"buffer", "text", "pipe1", "pipe5", "pipe100", "string", "append"}) {
        for (const QByteArray &text : texts) {
            for (int i = 0; i < 24; i++) {
                QByteArray content = text;
                // Whole characters only: Qt's string holds halves of them.
                if (kind != "string" && i % 4 == 3) {
                    const char *codecs[] = {"UTF-16LE", "UTF-16BE", "UTF-8", "UTF-32LE", "UTF-32BE"};
                    content = encoded(codecs[below(5)], text, true);
                }
                QByteArrayList script;
                int length = 4 + below(6);
                bool writing = i % 3 == 2;
                if (i % 8 == 6 && kind != "string") {
                    const char *codecs[] = {"uISO-8859-1", "uUTF-8", "uUTF-16LE", "uUTF-16"};
                    script += codecs[below(4)];
                }
                bool wide = false;
                while (script.size() < length) {
                    int which = below(10);
                    QByteArray step = which < 6 - 2 * writing ? reads[below(reads.size())]
                        : which < 8 - 2 * writing             ? asks[below(asks.size())]
                        : writing                             ? writes[below(writes.size())]
                                                              : "L";
                    if (i % 8 == 6 && script.size() == 4 && kind != "string")
                        step = "uUTF-8";
                    // A string's positions are bytes here and halves of characters in Qt.
                    wide = wide || step == "w%c3%bc";
                    bool ascii = !wide && !content.contains('\xc3');
                    if (kind == "string" && (step == "b" || step[0] == 'u' || (!ascii && (step[0] == 'p' || step[0] == 'k'))))
                        step = "e";
                    script += step;
                }
                scriptOver(kind, content, script.join(' '));
            }
        }
    }
    for (const char *content : {"ab\r\ncd\r\n", "\r\n\r\n", "a\r\r\n\rb\r", "ab\n\ncd"}) {
        for (const char *kind : {"buffer", "text", "pipe1", "string"}) {
            for (const char *script : {"l1 l1 l1 l1 l1 l1", "l2 l2 l2 l2 l2", "l3 l3 l3 l3", "l4 l4 l4", "l1 l2 l3 A", "l2 l1 p l3 p"})
                scriptOver(kind, content, script);
        }
    }
    // Across the edges of the read buffer, of 16384 bytes.
    for (int before : {16380, 16381, 16382, 16383, 16384, 16385}) {
        for (const char *end : {"\n", "\r\n", "\r\r\n", "\xc3\xa9\n", "\xe2\x82\xac\n", "\r"}) {
            QByteArray content = QByteArray(before, 'x') + end + "second 12 34\r\nthird";
            for (const char *kind : {"buffer", "text", "pipe100", "pipe100000"}) {
                for (const char *script : {"l3 p L p L L e L", "r16380 p r3 p L W p i i p e", "W d p c p L p A p", "r16384 p r1 p r1 p k16381 A e"})
                    scriptOver(kind, content, script);
            }
        }
    }
}

// ---- codecs

static QByteArray units(const QString &text)
{
    QByteArray out;
    for (QChar c : text)
        out += QByteArray::number(c.unicode(), 16).rightJustified(4, '0');
    return out;
}

static QString decoded(const char *codec, bool detect, const QByteArray &bytes, int split)
{
    Pipe pipe(bytes, split);
    pipe.open(QIODevice::ReadOnly | QIODevice::Unbuffered);
    QByteArray rest = pipe.in.mid(split);
    pipe.in.truncate(split);
    QTextStream stream(&pipe);
    stream.setCodec(codec);
    stream.setAutoDetectUnicode(detect);
    QString text = stream.readAll();
    pipe.in = rest;
    while (!pipe.in.isEmpty())
        text += stream.readAll();
    return text;
}

static void decode(const char *codec, bool detect, const QByteArray &bytes)
{
    QString whole = decoded(codec, detect, bytes, bytes.size() + 1);
    QByteArrayList different;
    for (int split = 1; split < bytes.size(); split++) {
        if (decoded(codec, detect, bytes, split) != whole)
            different += QByteArray::number(split);
    }
    std::printf("decode\t%s\t%d\t%s\t%s\t%s\n", codec, int(detect), bytes.toHex().data(), units(whole).data(),
                different.join(',').data());
}

static void encode(const char *codec, bool bom, const QByteArray &text)
{
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    QTextStream stream(&buffer);
    stream.setCodec(codec);
    stream.setGenerateByteOrderMark(bom);
    for (QChar c : QString::fromUtf8(text))
        stream << c;
    stream.flush();
    std::printf("encode\t%s\t%d\t%s\t%s\n", codec, int(bom), escaped(text).data(), buffer.data().toHex().data());
}

static void printCodecs()
{
    const char *own[] = {"ISO-8859-1", "UTF-8", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE", "UTF-32LE"};
    const char *others[] = {"windows-1252", "windows-1251", "ISO-8859-2", "ISO-8859-15", "KOI8-R", "Shift_JIS", "EUC-JP", "EUC-KR",
                            "GBK", "GB18030", "Big5", "IBM866", "windows-1250", "ISO-2022-JP", "macintosh"};
    const char *inputs[] = {
        "", "61", "6100", "efbbbf61", "efbb", "efbbbf", "feff0061", "fffe6100", "fffe", "feff", "0000feff00000061", "fffe000061000000",
        "c3a9e282acf09f9880", "c3", "e282", "f09f98", "c0af", "eda080", "edb080", "f4908080", "ff61", "61ff62", "e2e282ac", "c361", "e28261", "f09f9861",
        "f8888080", "80", "8080", "61c3a9ff80c3a9", "efbbbfefbbbf61", "61efbbbf62", "d83dde00", "3dd800de", "d8000061", "00d86100", "00dc6100", "dc00d800",
        "0001f600", "00f60100", "00110000", "00001100", "0000d800", "00d80000", "610062006300", "0061006200", "efbfbe", "efbfbf", "efb790", "f0908080", "e08080", "f0808080"};
    for (const char *codec : own) {
        for (const char *input : inputs) {
            decode(codec, true, QByteArray::fromHex(input));
            decode(codec, false, QByteArray::fromHex(input));
        }
    }
    const char *texts[] = {
        "", "abc", "\xc3\xa9\xc3\xbc", "\xe2\x82\xac", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 1", "\xe3\x81\x93\xe3\x82\x93 abc \xe6\x97\xa5\xe6\x9c\xac",
        "\xed\x95\x9c\xea\xb8\x80", "\xe4\xb8\xad\xe6\x96\x87", "\xc4\x8d\xc5\x99", "a\xe2\x80\xa6" "b", "\xef\xbd\xb1\xef\xbd\xb2"};
    for (const char *codec : own) {
        for (const char *text : texts) {
            encode(codec, false, text);
            encode(codec, true, text);
        }
        encode(codec, false, "\xf0\x9f\x98\x80");
        encode(codec, true, "a\xf0\x9f\x98\x80");
    }
    for (const char *codec : others) {
        if (!QTextCodec::codecForName(codec)) {
            std::fprintf(stderr, "no codec %s\n", codec);
            continue;
        }
        for (const char *text : texts) {
            encode(codec, false, text);
            QTextCodec *c = QTextCodec::codecForName(codec);
            if (c->canEncode(utf8(text)))
                decode(codec, false, encoded(codec, text, false));
        }
    }
    for (const char *codec : {"windows-1252", "windows-1251", "ISO-8859-2", "ISO-8859-15", "KOI8-R", "IBM866", "windows-1250"}) {
        for (int from = 0x20; from < 0x100; from += 0x20) {
            QByteArray bytes;
            for (int i = 0; i < 0x20; i++)
                bytes += char(from + i);
            decode(codec, false, bytes);
        }
    }
}

int main(int argc, char **argv)
{
    // The warnings are the subject of other tests.
    qInstallMessageHandler([](QtMsgType, const QMessageLogContext &, const QString &) {});
    QByteArray table = argc == 2 ? argv[1] : "";
    if (table == "written")
        printWritten();
    else if (table == "read")
        printRead();
    else if (table == "scripts")
        printScripts();
    else if (table == "codecs")
        printCodecs();
    else
        return 1;
}

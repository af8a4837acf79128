// What real Qt writes and what it makes of what it reads, for src/stream/tests/goldens.rs.
//
// How to run, in this directory, with Qt 5.15 (Debian: apt-get install g++ qtbase5-dev):
//
//     g++ -fPIC -O1 streams.cpp -o /tmp/streams $(pkg-config --cflags --libs Qt5Core)
//     /tmp/streams written > streams-written.tsv
//     /tmp/streams read > streams-read.tsv
//
// streams-written.tsv: name, precision (double, single, or any where both are the same), byte
//     order, versions (from-to), bytes in hexadecimal.
// streams-read.tsv: type, version, byte order, input, status, bytes left, and the value that was
//     read, as Qt writes it in the format of 5.15.
//
// The names of values are resolved in src/stream/tests/values.rs; a new one has to be added there
// as well.

#include <QtCore>

#include <cstdio>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

static const int FIRST = QDataStream::Qt_1_0, LAST = QDataStream::Qt_5_15;

using Write = std::function<void(QDataStream &)>;
static std::vector<std::pair<const char *, Write>> values;

template <class T> static void value(const char *name, T v)
{
    values.push_back({name, [v](QDataStream &s) { s << v; }});
}

template <class T> static void variant(const char *name, T v)
{
    value(name, QVariant::fromValue(v));
}

static float floatOf(quint32 bits)
{
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
}

static double doubleOf(quint64 bits)
{
    double d;
    std::memcpy(&d, &bits, sizeof d);
    return d;
}

static QString utf8(const char *text)
{
    return QString::fromUtf8(text);
}

static QBitArray bitArray(int size, std::initializer_list<int> set)
{
    QBitArray bits(size);
    for (int i : set)
        bits.setBit(i);
    return bits;
}

static void numbers()
{
    value("bool_false", false);
    value("bool_true", true);
    value("i8_min", qint8(-128));
    value("i8_-2", qint8(-2));
    value("i8_max", qint8(127));
    value("u8_0", quint8(0));
    value("u8_max", quint8(255));
    value("i16_min", qint16(-32768));
    value("i16_258", qint16(258));
    value("u16_258", quint16(258));
    value("u16_max", quint16(65535));
    value("i32_min", qint32(INT_MIN));
    value("i32_-2", qint32(-2));
    value("u32_16909060", quint32(16909060));
    value("u32_max", quint32(0xffffffff));
    value("i64_min", qint64(LLONG_MIN));
    value("i64_-2", qint64(-2));
    value("u64_72623859790382856", quint64(72623859790382856));
    value("u64_max", quint64(-1));
    value("f32_0", 0.0f);
    value("f32_-0", -0.0f);
    value("f32_1.5", 1.5f);
    value("f32_0.1", 0.1f);
    value("f32_max", floatOf(0x7f7fffff));
    value("f32_tiny", floatOf(1));
    value("f32_inf", floatOf(0x7f800000));
    value("f32_-inf", floatOf(0xff800000));
    value("f32_nan", floatOf(0x7fc00000));
    value("f32_nan_payload", floatOf(0xffc00123));
    value("f64_0", 0.0);
    value("f64_-0", -0.0);
    value("f64_1.5", 1.5);
    value("f64_0.1", 0.1);
    value("f64_1e300", 1e300);
    value("f64_tiny", doubleOf(1));
    value("f64_inf", doubleOf(0x7ff0000000000000));
    value("f64_-inf", doubleOf(0xfff0000000000000));
    value("f64_nan", doubleOf(0x7ff8000000000000));
    value("f64_nan_payload", doubleOf(0xfff8000020000000));
}

static void text()
{
    value("qchar_0", QChar(0));
    value("qchar_a", QChar('a'));
    value("qchar_euro", QChar(0x20ac));
    value("qstring_null", QString());
    value("qstring_empty", QString(""));
    value("qstring_ascii", QString("hello"));
    value("qstring_accents", utf8("f\xc3\xbcnf \xe2\x82\xac"));
    value("qstring_astral", utf8("\xf0\x9f\x98\x80"));
    value("qstring_nul", QString(QChar(0)) + "b");
    value("qstring_lone_surrogate", QString(QChar(0xd800)) + "x" + QChar(0xdc00));
    value("qbytearray_null", QByteArray());
    value("qbytearray_empty", QByteArray(""));
    value("qbytearray_bytes", QByteArray("a\0\xff", 3));
    values.push_back({"cstring_empty", [](QDataStream &s) { s << ""; }});
    values.push_back({"cstring_abc", [](QDataStream &s) { s << "abc"; }});
    values.push_back({"bytes_empty", [](QDataStream &s) { s.writeBytes("", 0); }});
    values.push_back({"bytes_4", [](QDataStream &s) { s.writeBytes("a\0\xff!", 4); }});
    values.push_back({"raw_abc", [](QDataStream &s) { s.writeRawData("abc", 3); }});
}

static void containers()
{
    value("bits_0", QBitArray());
    value("bits_1", bitArray(1, {0}));
    value("bits_8", bitArray(8, {1, 7}));
    value("bits_11", bitArray(11, {0, 9}));
    value("stringlist_empty", QStringList());
    value("stringlist", QStringList{"a", "", utf8("\xe2\x82\xac")});
    value("list_optional_string", QStringList{"a", QString(), ""});
    value("list_i32", QList<qint32>{1, -1, 70000});
    value("list_u8", QVector<quint8>{1, 2, 255});
    value("list_bool", QList<bool>{true, false});
    value("list_f32", QVector<float>{1.5f, -2.0f});
    value("list_f64", QVector<double>{1.5, 0.1});
    value("list_bytes", QList<QByteArray>{"ab", ""});
    value("list_list_u16", QList<QList<quint16>>{{1, 2}, {}, {3}});
    value("map_empty", QMap<QString, qint32>());
    value("map_string_i32", QMap<QString, qint32>{{"a", 1}, {"b", 2}, {"c", 3}});
    value("map_i32_string", QMap<qint32, QString>{{-1, "x"}, {5, "y"}});
    value("map_u8_list", QMap<quint8, QList<qint16>>{{1, {1}}, {2, {}}});
    value("multimap", QMultiMap<QString, qint32>{{"a", 1}, {"a", 2}, {"b", 3}});
    value("hash_empty", QHash<QString, double>());
    value("hash_string_f64", QHash<QString, double>{{"k", 0.5}});
    value("pair_i32_string", QPair<qint32, QString>(7, "seven"));
    value("pair_pair", QPair<QPair<bool, quint8>, double>({true, 9}, 2.5));
}

static void variants()
{
    value("variant_invalid", QVariant());
    variant("variant_bool", true);
    variant("variant_int", -5);
    variant("variant_uint", 5u);
    variant("variant_longlong", qint64(-5000000000));
    variant("variant_ulonglong", quint64(5000000000));
    variant("variant_double", 0.1);
    variant("variant_char", QChar(0x20ac));
    variant("variant_map", QVariantMap{{"a", 1}, {"b", "x"}});
    variant("variant_map_empty", QVariantMap());
    variant("variant_list", QVariantList{1, "two", QVariant(), 4.5, QVariantList{true}});
    variant("variant_list_empty", QVariantList());
    variant("variant_string", QString("text"));
    variant("variant_string_empty", QString(""));
    variant("variant_string_unflagged_null", QString());
    variant("variant_stringlist", QStringList{"a", "b"});
    variant("variant_bytearray", QByteArray("\0\1", 2));
    variant("variant_bytearray_empty", QByteArray(""));
    variant("variant_bytearray_unflagged_null", QByteArray());
    variant("variant_bits", bitArray(3, {1}));
    variant("variant_hash", QVariantHash{{"k", 1}});
    variant("variant_long", long(-6));
    variant("variant_short", short(-7));
    variant("variant_cchar", char('c'));
    variant("variant_ulong", 6ul);
    variant("variant_ushort", ushort(7));
    variant("variant_uchar", uchar(200));
    variant("variant_float", 0.1f);
    variant("variant_schar", (signed char)(-8));
    variant("variant_bytearraylist", QByteArrayList{"a", ""});
    value("null_bool", QVariant(QVariant::Bool));
    value("null_int", QVariant(QVariant::Int));
    value("null_uint", QVariant(QVariant::UInt));
    value("null_longlong", QVariant(QVariant::LongLong));
    value("null_ulonglong", QVariant(QVariant::ULongLong));
    value("null_double", QVariant(QVariant::Double));
    value("null_char", QVariant(QVariant::Char));
    value("null_map", QVariant(QVariant::Map));
    value("null_list", QVariant(QVariant::List));
    value("null_string", QVariant(QVariant::String));
    value("null_stringlist", QVariant(QVariant::StringList));
    value("null_bytearray", QVariant(QVariant::ByteArray));
    value("null_bits", QVariant(QVariant::BitArray));
    value("null_hash", QVariant(QVariant::Hash));
    value("null_long", QVariant(QVariant::Type(QMetaType::Long)));
    value("null_short", QVariant(QVariant::Type(QMetaType::Short)));
    value("null_cchar", QVariant(QVariant::Type(QMetaType::Char)));
    value("null_ulong", QVariant(QVariant::Type(QMetaType::ULong)));
    value("null_ushort", QVariant(QVariant::Type(QMetaType::UShort)));
    value("null_uchar", QVariant(QVariant::Type(QMetaType::UChar)));
    value("null_float", QVariant(QVariant::Type(QMetaType::Float)));
    value("null_schar", QVariant(QVariant::Type(QMetaType::SChar)));
    value("null_bytearraylist", QVariant(QVariant::Type(QMetaType::QByteArrayList)));
}

static const char *orderName(int order)
{
    return order == QDataStream::BigEndian ? "big" : "little";
}

static QByteArray written(const Write &write, int version, int order, int precision)
{
    QByteArray bytes;
    QDataStream s(&bytes, QIODevice::WriteOnly);
    s.setVersion(version);
    s.setByteOrder(QDataStream::ByteOrder(order));
    s.setFloatingPointPrecision(QDataStream::FloatingPointPrecision(precision));
    write(s);
    return bytes.toHex();
}

static void printWritten()
{
    for (const auto &entry : values) {
        for (int order = 0; order < 2; order++) {
            QByteArray bytes[2][LAST + 1];
            bool same = true;
            for (int version = FIRST; version <= LAST; version++) {
                bytes[0][version] = written(entry.second, version, order, QDataStream::DoublePrecision);
                bytes[1][version] = written(entry.second, version, order, QDataStream::SinglePrecision);
                same &= bytes[0][version] == bytes[1][version];
            }
            for (int single = 0; single < (same ? 1 : 2); single++) {
                const QByteArray *row = bytes[single];
                for (int from = FIRST, to; from <= LAST; from = to + 1) {
                    for (to = from; to < LAST && row[to + 1] == row[from]; to++) { }
                    std::printf("%s\t%s\t%s\t%d-%d\t%s\n", entry.first,
                                same ? "any" : single ? "single" : "double", orderName(order), from, to,
                                row[from].constData());
                }
            }
        }
    }
}

// Some types have a null of their own, and it alone tells: the byte in front of the value follows.
static void normalize(QVariant &v)
{
    if (v.type() == QVariant::List) {
        if (!v.isNull()) {
            QVariantList list = v.toList();
            for (QVariant &item : list)
                normalize(item);
            v = list;
        }
    } else if (v.type() == QVariant::Map && !v.isNull()) {
        QVariantMap map = v.toMap();
        for (QVariant &item : map)
            normalize(item);
        v = map;
    } else if (v.type() == QVariant::String) {
        v = v.isNull() ? QVariant(v.type()) : QVariant(v.toString());
    } else if (v.type() == QVariant::Char && !v.isNull()) {
        v = v.toChar();
    } else if (v.type() == QVariant::BitArray && !v.isNull()) {
        v = v.toBitArray();
    } else if (v.type() == QVariant::ByteArray) {
        v = v.isNull() ? QVariant(v.type()) : QVariant(v.toByteArray());
    }
}

template <class T> static void normalize(T &) { }

template <class T>
static void readOne(const char *type, const QByteArray &hex, int version, int order)
{
    QByteArray input = QByteArray::fromHex(hex);
    QDataStream s(input);
    s.setVersion(version);
    s.setByteOrder(QDataStream::ByteOrder(order));
    T v{};
    s >> v;
    normalize(v);
    QByteArray again = written([v](QDataStream &out) { out << v; }, LAST, QDataStream::BigEndian,
                               QDataStream::DoublePrecision);
    std::printf("%s\t%d\t%s\t%s\t%d\t%lld\t%s\n", type, version, orderName(order), hex.constData(),
                s.status(), (long long)s.device()->bytesAvailable(), again.constData());
}

static void readBytes(const char *type, const QByteArray &hex, int version, int order)
{
    QByteArray input = QByteArray::fromHex(hex);
    QDataStream s(input);
    s.setVersion(version);
    s.setByteOrder(QDataStream::ByteOrder(order));
    char *data;
    uint length;
    s.readBytes(data, length);
    QByteArray again = written([=](QDataStream &out) { out.writeBytes(data, length); }, LAST,
                               QDataStream::BigEndian, QDataStream::DoublePrecision);
    std::printf("%s\t%d\t%s\t%s\t%d\t%lld\t%s\n", type, version, orderName(order), hex.constData(),
                s.status(), (long long)s.device()->bytesAvailable(), again.constData());
    delete[] data;
}

using Read = void (*)(const char *, const QByteArray &, int, int);

// Those between which reading this type differs.
static std::vector<int> versions(const char *type)
{
    if (std::strcmp(type, "qvariant") == 0)
        return {1, 5, 7, 8, 12, 13, 19};
    if (std::strcmp(type, "qstring") == 0 || std::strcmp(type, "qbytearray") == 0
            || std::strcmp(type, "stringlist") == 0 || std::strcmp(type, "i64") == 0)
        return {1, 2, 5, 6, 19};
    if (type[0] == 'f')
        return {7, 8, 12, 13, 19};
    return {19};
}

// Where a value is read whole, cut at each byte, and with the inputs given.
static void reads(const char *type, Read read, const char *prefix,
                  std::initializer_list<const char *> inputs = {})
{
    for (int version : versions(type)) {
        for (int order = 0; order < 2; order++) {
            QSet<QByteArray> done;
            for (const auto &entry : values) {
                if (std::strncmp(entry.first, prefix, std::strlen(prefix)) != 0)
                    continue;
                QByteArray hex = written(entry.second, version, order, QDataStream::DoublePrecision);
                for (int cut = 0; cut <= hex.size(); cut += 2) {
                    QByteArray part = hex.left(cut);
                    if (!done.contains(part))
                        read(type, part, version, order);
                    done.insert(part);
                }
            }
            for (const char *input : inputs)
                read(type, input, version, order);
        }
    }
}

static void printRead()
{
    reads("bool", readOne<bool>, "bool_", {"02", "ff80"});
    reads("i8", readOne<qint8>, "i8_");
    reads("i16", readOne<qint16>, "i16_");
    reads("i32", readOne<qint32>, "i32_");
    reads("i64", readOne<qint64>, "i64_-2");
    reads("f32", readOne<float>, "f32_1");
    reads("f64", readOne<double>, "f64_1");
    reads("qchar", readOne<QChar>, "qchar_");
    reads("qstring", readOne<QString>, "qstring_",
          {"0000000361626364", "0300000061626364", "fffffffd", "7ffffffe0061", "fffffffe", "feffffff",
           "00000002d800", "00000002dc00", "0000000400610062ff"});
    reads("qbytearray", readOne<QByteArray>, "qbytearray_", {"fffffffe", "0000000561626364", "0000000161ff"});
    reads("bytes", readBytes, "bytes_", {"ffffffff", "ffffffff61", "00000001ff61"});
    reads("bits", readOne<QBitArray>, "bits_1", {"0000000102", "000000077f", "0000000780", "00000009ff02"});
    reads("stringlist", readOne<QStringList>, "stringlist",
          {"000000020000000200610000000361626364", "00000001ffffffff", "0100000003000000616263"});
    reads("list_i32", readOne<QList<qint32>>, "list_i32", {"0000000300000001", "0000000000"});
    reads("list_list_u16", readOne<QList<QList<quint16>>>, "list_list_u16");
    reads("map_string_i32", readOne<QMap<QString, qint32>>, "map_string_i32",
          {"0000000100000003616263640000", "0000000100000002006100000009ff"});
    reads("pair_i32_string", readOne<QPair<qint32, QString>>, "pair_i32");
    reads("qvariant", readOne<QVariant>, "variant_list",
          {"0000001f00", "0000002700", "7f000000000000000000", "0000007f00000000026100", "00000400000000000261",
           "000004000000000002610061", "0000002b0000000000", "0000000a00ffffffff",
           "0000008700000000000000000000", "0000000c01ffffffff", "0000000a01000000020061",
           "0000000c010000000161", "0000000701000a", "0000000d010000000101"});
    reads("qvariant", readOne<QVariant>, "variant_map");
    reads("qvariant", readOne<QVariant>, "variant_s");
    reads("qvariant", readOne<QVariant>, "variant_b");
    reads("qvariant", readOne<QVariant>, "variant_f");
    reads("qvariant", readOne<QVariant>, "variant_i");
    reads("qvariant", readOne<QVariant>, "null_string");
}

int main(int argc, char **argv)
{
    numbers();
    text();
    containers();
    variants();
    if (argc == 2 && std::strcmp(argv[1], "written") == 0)
        printWritten();
    else if (argc == 2 && std::strcmp(argv[1], "read") == 0)
        printRead();
    else
        return 1;
}

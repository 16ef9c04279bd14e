"""The Chinese demo shop: the words in which its articles are told apart, searched for and spoken of."""

from __future__ import annotations

from jobs.demo_shop.chinese_reviews import SAID, SAID_FIRST
from jobs.demo_shop.chinese_things import DEPARTMENTS, THINGS
from jobs.demo_shop.language import Holiday, Language, Size, Span, Style, Wording

__all__ = ["CHINESE"]

_STYLES = (
    Style(
        "国风",
        ("国风", "水墨", "青花", "祥云", "仙鹤"),
        ("点缀着祥云、仙鹤和青花纹样", "像一幅慢慢展开的水墨山水", "献给偏爱古典韵味的你"),
    ),
    Style(
        "森林",
        ("森系", "小鹿", "松果", "苔藓", "蘑菇"),
        ("画着小鹿、松果和蕨类", "像清晨走进一片树林", "献给想住进森林里的你"),
    ),
    Style(
        "星空",
        ("星空", "宇航员", "银河", "行星", "极光"),
        ("印着火箭、行星和宇航员", "抬头就是一整条银河", "献给做着太空梦的你"),
    ),
    Style(
        "海洋",
        ("海洋", "鲸鱼", "海浪", "贝壳", "灯塔"),
        ("画着灯塔、贝壳和一群鲸鱼", "带着海风和浪花的气息", "献给听见海浪就开心的你"),
    ),
    Style(
        "萌宠",
        ("萌猫", "柴犬", "小熊", "兔子", "卡通"),
        ("印着打盹的猫和吐舌头的柴犬", "可爱得让人忍不住想摸一摸", "献给家里有毛孩子的你"),
    ),
)
_COLOURS = ("黑色", "米白色", "墨绿色", "藏青色", "浅灰色", "酒红色", "姜黄色", "雾蓝色", "咖啡色", "藕粉色")
_BRANDS = (
    *("岫野", "屿南", "栀合", "麓北", "夏知", "木隐", "拾澜", "露坊"),
    *("听禾", "朝汀", "鸣台", "远亩", "砚秋", "棠里", "溪木"),
)
_SPRING_FESTIVAL = (Span("2024-02-10", "2024-02-17"), Span("2025-01-28", "2025-02-04"))

CHINESE = Language(
    name="zh",
    encoder="multilingual-e5-small",
    question="这款手机的电池续航时间怎么样？",
    # each different text costs the encoder some 15 ms of one thread: articles, reviews and searches are some 850
    size=Size(
        items=300,
        twins=30,
        launches_ahead=10,
        launches_now=10,
        launches_past=60,
        ended=15,
        promotions_a_week=3,
        users=260,
        wants=5500,
        stall_items=60,
        running_out=12,
        reviews=260,
        phone_reviews=24,
        shown=60,
    ),
    departments=DEPARTMENTS,
    things=THINGS,
    phone="手机",
    phone_features=("超长续航", "高亮屏幕"),
    styles=_STYLES,
    colours=_COLOURS,
    brands=_BRANDS,
    wording=Wording(
        titles=(
            "{brand}{model} {material}{first}{thing} {colour}",
            "{first}{thing}（{material}，{colour}）{brand} {model}",
        ),
        texts=(
            "{second}{thing}，{phrase}。带有{both}，适合{use}。",
            "{second}风格的设计，{phrase}。这款{material}{thing}有{both}。",
        ),
        both="和",
        bare="商品{}",
        search="{word}{thing}",
        sentence_gap="",
    ),
    headlines={1: "非常失望", 2: "不太满意", 3: "一般般", 4: "不错", 5: "很满意"},
    said=SAID,
    said_first=SAID_FIRST,
    offers=("满减", "秒杀", "优惠券"),
    holidays=(
        Holiday("双十一", (Span("11-09", "11-12"),), lift=1.5),
        Holiday("六一八", (Span("06-16", "06-18"),), lift=1.35),
        Holiday("年货节", (Span("2024-01-25", "2024-02-06"), Span("2025-01-14", "2025-01-26")), lift=1.3),
        Holiday("春节", _SPRING_FESTIVAL, lift=0.7),
        Holiday("国庆节", (Span("10-01", "10-07"),), lift=1.1),
        Holiday("劳动节", (Span("05-01", "05-05"),), lift=1.1),
        Holiday("元旦", (Span("01-01", "01-01"),)),
    ),
    no_market=(*_SPRING_FESTIVAL, Span("08-04", "08-17")),  # and in the two hottest weeks
)
